export { createDegradation, type DegradationDeps } from './create.ts';
export type { NetworkReading, Reading } from './decide.ts';
export type { Degradation, DegradationConfig, DegradationControl, DegradationStatus } from './degradation.ts';
export type { RunFeatureCommand } from './feature-commands.ts';
export type { DegradationPolicy } from './schema.ts';
export { degradationEvents } from './restore.ts';
