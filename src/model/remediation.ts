import type { EpochMs } from './ids.ts';

/** Everything that may be asked for: the metric label `action`. */
export const actionNames = [
  'start',
  'stop',
  'restart',
  'reload',
  'checkpoint',
  'recover',
  'breaker_open',
  'breaker_close',
  'breaker_reset',
  'degrade',
  'resolve_incident',
] as const;
export type ActionName = (typeof actionNames)[number];
/** Those that a rule of remediation may ask for: no other is ever carried out for an alert. */
export const remediableActions = ['restart', 'start', 'stop', 'checkpoint', 'degrade'] as const satisfies ActionName[];

/** What became of an action that an alert asked for, in the order in which the gates stand. */
export const remediationDecisions = [
  'paused',
  'no_policy',
  'denied',
  'duplicate',
  'stale',
  'resolved',
  'healthy',
  'locked',
  'cooldown',
  'rate_limited',
  'budget_exhausted',
  'pending_approval',
  'dry_run',
  'execute',
] as const;
export type RemediationDecision = (typeof remediationDecisions)[number];

export const executionOutcomes = [
  'success',
  'failure',
  'timeout',
  'verify_failed',
  'rolled_back',
  'cancelled',
] as const;
export type ExecutionOutcome = (typeof executionOutcomes)[number];

/** Who delivers alerts: the metric label `receiver`. */
export const receivers = ['alertmanager', 'grafana', 'action', 'prometheus'] as const;
export type Receiver = (typeof receivers)[number];

/** Why a request was refused before any alert was read. */
export const rejections = [
  'method',
  'content_type',
  'auth',
  'signature',
  'schema',
  'size',
  'rate_limited',
  'replay',
  'version',
  'overloaded',
] as const;
export type Rejection = (typeof rejections)[number];

/** What became of one alert of a webhook. */
export const dispositions = ['accepted', 'duplicate', 'resolved', 'stale', 'unmatched', 'malformed'] as const;
export type Disposition = (typeof dispositions)[number];

/** Which alert asked: enough to tell it from every other. */
export interface AlertIdentity {
  readonly name: string;
  readonly fingerprint: string;
  readonly startsAt: EpochMs;
  readonly status: 'firing' | 'resolved';
}

/** A place in a trace: 32 and 16 hex digits. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
}
