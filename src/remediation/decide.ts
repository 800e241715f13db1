import type { Decision, EpochMs, RemediationDecision } from '../model/index.ts';
import { formatDuration } from '../format.ts';
import type { AlertIdentity } from '../model/index.ts';

/** What is known of the component that is meant. */
export interface Target {
  /** It was stopped on request and is kept down. */
  readonly held: boolean;
  readonly enabled: boolean;
  /** Since when it has been healthy without a break; null: it is not. */
  readonly healthySince: EpochMs | null;
  /** A start, a stop or a recovery of it is under way. */
  readonly busy: boolean;
  /** What would become of a restart that a webhook asks for now. */
  readonly restart: Decision;
}

/** All that a decision depends on, besides the alert and the time. */
export interface Situation {
  readonly enabled: boolean;
  /** The limits of the rule that matched; null: none did. */
  readonly rule: { readonly cooldown: number; readonly max_per_hour: number; readonly dry_run: boolean } | null;
  readonly action: string;
  /** null: there is no such component, or the alert does not name one. */
  readonly target: Target | null;
  /** The alert was acted upon before, under the same key. */
  readonly seen: boolean;
  /** The same alert was told to be over. */
  readonly over: boolean;
  /** An action that an alert asked for runs on the component. */
  readonly inFlight: boolean;
  /** When this rule has acted on this component, oldest first; older ones than an hour or its cooldown may be missing. */
  readonly executions: readonly EpochMs[];
}

export interface Verdict {
  readonly decision: RemediationDecision;
  /** Why not, for people; empty for `execute`. */
  readonly why: string;
}

const HOUR_MS = 3_600_000;
/** An alert is as old as its scrape: a component that became healthy so shortly before it began is meant by it. */
const LATE_MS = 60_000;
/** Actions that a component which is well does not need. */
const heals: ReadonlySet<string> = new Set(['restart', 'start']);

/** The gates, one after the other; the first that is shut decides. Pure. */
export function decideRemediation(alert: AlertIdentity, now: Situation, at: EpochMs): Verdict {
  const { rule, target } = now;
  if (!now.enabled) return no('paused', 'remediation is switched off');
  if (!rule) return no('no_policy', 'no rule matches the alert');
  if (now.seen) return no('duplicate', 'this alert was acted upon before');
  if (alert.status === 'resolved') return no('resolved', 'the alert is over');
  if (now.over) return no('stale', 'the alert was told to be over');
  if (!target) return no('denied', 'the alert names no configured component');
  if (!target.enabled || target.held)
    return no('denied', 'it was stopped on request or is disabled: only a person starts it');
  return (
    whenHealed(alert, now, target, at) ??
    whenBusy(now, target) ??
    whenTooOften(now, rule, at) ??
    whenRefused(now, target) ??
    (rule.dry_run ? no('dry_run', 'the rule says dry_run') : { decision: 'execute', why: '' })
  );
}

const no = (decision: RemediationDecision, why: string): Verdict => ({ decision, why });

/** It is well, and became so after the alert began: it was healed before the alert got here. */
function whenHealed(
  { startsAt }: AlertIdentity,
  { action }: Situation,
  { healthySince }: Target,
  at: EpochMs,
): Verdict | undefined {
  if (!heals.has(action) || healthySince === null) return undefined;
  if (action === 'start') return no('healthy', 'it runs and is healthy');
  // A clock that was put back tells nothing of before and after; one that is ahead elsewhere is taken for now.
  const isUnknown = healthySince > at;
  return isUnknown || healthySince < Math.min(startsAt, at) - LATE_MS
    ? undefined
    : no('healthy', 'it has become healthy since the alert began');
}

function whenBusy({ inFlight }: Situation, { busy }: Target): Verdict | undefined {
  if (inFlight) return no('locked', 'an action on it is under way');
  return busy ? no('locked', 'it is being started, stopped or recovered') : undefined;
}

function whenTooOften(
  { executions }: Situation,
  { cooldown, max_per_hour }: NonNullable<Situation['rule']>,
  at: EpochMs,
): Verdict | undefined {
  const past = executions.filter((one) => one <= at);
  const last = past.at(-1);
  if (last !== undefined && at - last < cooldown)
    return no(
      'cooldown',
      `the last one was ${formatDuration(at - last)} ago; the rule waits ${formatDuration(cooldown)}`,
    );
  const recent = past.filter((one) => at - one < HOUR_MS).length;
  return recent >= max_per_hour
    ? no('rate_limited', `${recent} within the last hour; the rule allows ${max_per_hour}`)
    : undefined;
}

/** Restarts share the budgets of the component. */
function whenRefused({ action }: Situation, { restart }: Target): Verdict | undefined {
  if (action !== 'restart') return undefined;
  // An alert is not answered with an intention: it may come again when the time has come.
  if (restart.kind === 'wait') return no('locked', restart.why);
  if (restart.kind !== 'refuse') return undefined;
  return no(restart.rule === 'budget' || restart.rule === 'slow_loop' ? 'budget_exhausted' : 'denied', restart.why);
}
