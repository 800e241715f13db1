import type { ComponentName } from './ids.ts';

export const restartPolicies = ['immediate', 'delayed', 'exponential_backoff', 'no_restart', 'manual_only'] as const;

export const priorities = ['critical', 'high', 'medium', 'low'] as const;
export type Priority = (typeof priorities)[number];

/** Why a restart is asked for; the metric label `reason`. */
export const restartReasons = ['health', 'crash', 'hang', 'dependency', 'alert', 'manual', 'chaos'] as const;
export type RestartReason = (typeof restartReasons)[number];

/** Why a component starts: its first start, one after a daemon's boot, or a restart. */
export type StartReason = 'boot' | 'reload' | RestartReason;

/** Who asked: the loop itself, or someone outside. A person's restarts are not counted in the budget. */
export type Requester = 'supervisor' | 'person' | 'webhook';

/** What was decided for one request; stored before it is carried out. `rule` names the sentence that decided. */
export type Decision =
  /** Start again `delayMs` from now (jitter included once stored); `attempt` counts from 1 since the last good spell. */
  | { readonly kind: 'restart'; readonly rule: string; readonly delayMs: number; readonly attempt: number }
  /** Later: asked again at `until`, or when what it waits for ends (null). */
  | { readonly kind: 'wait'; readonly rule: string; readonly until: number | null; readonly why: string }
  /** It would be given up, but what it depends on is to blame: that is restarted first, and it waits for it. */
  | { readonly kind: 'blame'; readonly rule: string; readonly dependency: ComponentName; readonly why: string }
  /** The end nobody asked for is welcome: stay stopped. */
  | { readonly kind: 'stay'; readonly rule: string; readonly why: string }
  /** Given up: only a person or a webhook starts it again. */
  | { readonly kind: 'fail'; readonly rule: string; readonly why: string }
  /** The request is turned down; nothing changes. */
  | { readonly kind: 'refuse'; readonly rule: string; readonly why: string };
