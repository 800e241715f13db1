import { createMask } from '../crashes/index.ts';
import type { House } from './house.ts';

/**
 * Hides secrets in what others say: those of well-known shapes, and whatever the configuration in force took from
 * variables and files.
 */
export const maskOf =
  (house: () => Pick<House, 'loaded'>) =>
  (text: string): string =>
    createMask({}, house().loaded.secrets).text(text);
