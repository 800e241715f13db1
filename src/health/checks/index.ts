import { registry } from '../../registry.ts';
import { tcp } from './tcp.ts';

export const checks = registry(tcp);
