/** `import … from 'paramedic'`: what the command line uses, for programs that bring a daemon with them. */
export { loadConfig, type ComponentConfig, type Config, type LoadedConfig } from './config/index.ts';
export { startDaemon, type DaemonOptions, type RunningDaemon } from './daemon.ts';
export { ParamedicError, type ErrorCode } from './errors.ts';
export type { ComponentRecord, EventOf, EventType, RecoveryEvent } from './model/index.ts';
export type { ComponentView, EventView, HealthView, StatusView } from './supervisor/api.ts';
