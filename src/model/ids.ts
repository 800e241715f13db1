/** Branded strings and numbers: what gets confused with each other cannot be. */

declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Milliseconds since 1970, wall clock. May jump; for rows and people, never for durations. */
export type EpochMs = Brand<number, 'EpochMs'>;
/** A name from the configuration, `[a-z0-9_-]`; `host` is the machine itself. */
export type ComponentName = Brand<string, 'ComponentName'>;
/** One life of a component: 32 hex digits, in the child's environment, stored before the spawn. */
export type IncarnationId = Brand<string, 'IncarnationId'>;
/** 32 hex digits: the trace id of everything that belongs to the incident; its first 16 are the root span's id. */
export type IncidentId = Brand<string, 'IncidentId'>;
/** One recovery, from detection to its end: 32 hex digits; the first 16 are its span's id. */
export type RecoveryId = Brand<string, 'RecoveryId'>;
/** `CRASH-20261123-224610-1A2B3C4D`, as in the specification. */
export type CrashId = Brand<string, 'CrashId'>;
/** `CP-20261123-224610-1A2B3C4D`, as in the specification. */
export type CheckpointId = Brand<string, 'CheckpointId'>;
/** `MAN-20261123-224610-1A2B3C4D`: checkpoints of several components that were taken together. */
export type ManifestId = Brand<string, 'ManifestId'>;
/** `REM-20261123-224610-1A2B3C4D`: one decision about an action that an alert asked for. */
export type RemediationId = Brand<string, 'RemediationId'>;
/** `EXP-20261123-224610-1A2B3C4D`: one run of an experiment. */
export type ExperimentRunId = Brand<string, 'ExperimentRunId'>;

/** Whether it is meant as the id of a manifest: there may be none of that name. */
export const isManifestId = (id: string): id is ManifestId => id.startsWith('MAN-');

export const epochMs = (value: number): EpochMs => value as EpochMs;
export const componentName = (value: string): ComponentName => value as ComponentName;
/** The pseudo-component that the machine's own checks belong to. */
export const HOST = componentName('host');
