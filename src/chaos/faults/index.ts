import { registry } from '../../registry.ts';
import { kill } from './kill.ts';

export const faults = registry(kill);
