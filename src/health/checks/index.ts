import { registry } from '../../registry.ts';
import { command } from './command.ts';
import { heartbeat } from './heartbeat.ts';
import { http } from './http.ts';
import { process } from './process.ts';
import { system } from './system.ts';
import { tcp } from './tcp.ts';

export const checks = registry(http, tcp, process, heartbeat, command, system);
