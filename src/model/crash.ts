import type { Exit } from './process.ts';

/** The specification's crash types (chapter 4). */
export const crashTypes = [
  'unhandled_exception',
  'segmentation_fault',
  'stack_overflow',
  'out_of_memory',
  'deadlock',
  'infinite_loop',
  'watchdog_timeout',
  'service_failure',
  'external_termination',
  'unknown',
] as const;
export type CrashType = (typeof crashTypes)[number];

/** `fatal` means: do not restart, page. */
export const crashSeverities = ['low', 'medium', 'high', 'critical', 'fatal'] as const;
export type CrashSeverity = (typeof crashSeverities)[number];

/**
 * The signature of a fault of the component's own; null: it was ended from outside, it left without an error, or
 * nobody could be told how it ended. Rules that count the same fault count these.
 */
export const faultOf = (crash: {
  readonly crashType: CrashType;
  readonly errorType: string;
  readonly exit: Exit;
  readonly signature: string;
}): string | null =>
  crash.crashType === 'external_termination' || crash.errorType === 'exit_unknown' || crash.exit.code === 0
    ? null
    : crash.signature;
