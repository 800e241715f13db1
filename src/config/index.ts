export type { ComponentConfig, Config } from './schema.ts';
