/** The metric label `state` of breakers. */
export const breakerStates = ['closed', 'open', 'half_open', 'forced_open', 'forced_closed', 'disabled'] as const;
export type BreakerState = (typeof breakerStates)[number];

/** How one call through a breaker ended; `ignored`: it came too late to move anything. */
export const callResults = ['success', 'failure', 'timeout', 'rejected', 'ignored'] as const;
export type CallResult = (typeof callResults)[number];

/** What made a breaker, a level or a checkpoint change. */
export const triggers = ['policy', 'alert', 'manual', 'chaos', 'schedule'] as const;
export type Trigger = (typeof triggers)[number];
