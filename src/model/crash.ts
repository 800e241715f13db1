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
