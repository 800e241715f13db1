import { formatDuration } from '../format.ts';
import type { Trigger } from '../model/index.ts';
import { dueAt, type Closed, type Condition, type HalfOpen } from './condition.ts';
import type { BreakerPolicy } from './schema.ts';

/*
 * When a breaker opens, who may try, when it closes: arithmetic on its condition, the policy and the time. Nothing
 * here reads a clock; the shell asks `elapse` before anything else, so that no decision is made on a stale condition.
 */

/** Half open, and all probes are in flight: one may be back at any moment. */
const ASK_AGAIN_MS = 1_000;

/** A change of state with its reason, as a sentence. Times on the monotonic clock. */
export interface Transition {
  readonly from: Condition['is'];
  readonly to: Condition['is'];
  readonly trigger: Trigger;
  readonly reason: string;
  /** The first of the failures that made it open; null: it was something else. */
  readonly firstFailureAt: number | null;
  /** When an open one lets a probe through. */
  readonly until: number | null;
}

export interface Step {
  readonly condition: Condition;
  readonly transition: Transition | null;
}

const stay = (condition: Condition): Step => ({ condition, transition: null });

/** The epoch that follows. */
const next = ({ epoch }: Condition, now: number) => ({ since: now, epoch: epoch + 1, permits: 0, callsFrom: now });

function open(from: Condition, policy: BreakerPolicy, now: number, reason: string, firstFailureAt: number | null) {
  const until = now + policy.recovery_timeout;
  return {
    condition: { is: 'open', ...next(from, now), until },
    transition: { from: from.is, to: 'open', trigger: 'policy', reason, firstFailureAt, until },
  } satisfies Step;
}

function enter(from: Condition, condition: Condition, reason: string, trigger: Trigger = 'policy'): Step {
  const transition = { from: from.is, to: condition.is, trigger, reason, firstFailureAt: null, until: null };
  return { condition, transition };
}

const close = (from: Condition, now: number): Closed => ({
  is: 'closed',
  ...next(from, now),
  consecutiveFailures: 0,
  failures: [],
});

/** What time alone does. */
export function elapse(condition: Condition, policy: BreakerPolicy, now: number): Step {
  const due = dueAt(condition);
  if (due === null || now < due) return stay(condition);
  if (condition.is === 'open') {
    const halfOpen: HalfOpen = { is: 'half_open', ...next(condition, now), successes: 0, probes: [] };
    return enter(condition, halfOpen, `it was open for ${formatDuration(now - condition.since)}: probes may try`);
  }
  const waited = formatDuration(policy.half_open_max_wait);
  return open(condition, policy, now, `a probe has not reported back within ${waited}`, null);
}

/** Whether a call may be made. Refused: after how many ms it is worth asking again. */
export type Admission =
  { readonly permitted: true; readonly permit: string } | { readonly permitted: false; readonly waitMs: number };

/** May a call be made now? While half open a permit is a lease: one of the probes. */
export function admit(
  condition: Condition,
  policy: BreakerPolicy,
  now: number,
): { readonly condition: Condition; readonly admission: Admission } {
  const refuse = (waitMs: number) => ({ condition, admission: { permitted: false, waitMs } as const });
  const permits = condition.permits + 1;
  const permit = `${condition.epoch}.${permits}`;
  const admission = { permitted: true, permit } as const;
  switch (condition.is) {
    case 'closed':
    case 'forced_closed':
      return { condition: { ...condition, permits }, admission };
    case 'half_open': {
      const { probes } = condition;
      if (probes.length >= policy.half_open_max_calls)
        return refuse(Math.min(ASK_AGAIN_MS, (dueAt(condition) ?? now) - now));
      const probe = { permit, until: now + policy.half_open_max_wait };
      return { condition: { ...condition, permits, probes: [...probes, probe] }, admission };
    }
    case 'open':
      return refuse(condition.until - now);
    case 'forced_open':
      return refuse(policy.recovery_timeout);
    default:
      return condition satisfies never;
  }
}

/** How a call ended. */
export interface Result {
  readonly ok: boolean;
  /** null: the call was made without asking. */
  readonly permit: string | null;
  /** When the call was made, as far as is known. */
  readonly beganAt: number;
  /** What went wrong; empty: nobody said. */
  readonly error: string;
}

/** Whether a result tells of how things are now. While half open only probes do, each of them once. */
function counts(condition: Condition, { permit, beganAt }: Result): boolean {
  if (condition.is === 'open' || condition.is === 'forced_open') return false;
  if (condition.is === 'half_open') return condition.probes.some((probe) => probe.permit === permit);
  return permit === null ? beganAt >= condition.callsFrom : permit.startsWith(`${condition.epoch}.`);
}

/** What a result changes. One that came too late changes nothing: `counted` is false. */
export function conclude(
  condition: Condition,
  result: Result,
  policy: BreakerPolicy,
  now: number,
): Step & { readonly counted: boolean } {
  if (!counts(condition, result)) return { ...stay(condition), counted: false };
  return { ...judge(condition, result, policy, now), counted: true };
}

function judge(condition: Condition, result: Result, policy: BreakerPolicy, now: number): Step {
  if (condition.is === 'half_open') {
    const cause = result.error === '' ? '' : `: ${result.error}`;
    if (!result.ok) return open(condition, policy, now, `a probe has failed${cause}`, now);
    const successes = condition.successes + 1;
    if (successes >= policy.success_threshold) return enter(condition, close(condition, now), succeeded(successes));
    const probes = condition.probes.filter(({ permit }) => permit !== result.permit);
    return stay({ ...condition, successes, probes });
  }
  if (condition.is !== 'closed') return stay(condition);
  return result.ok ? stay({ ...condition, consecutiveFailures: 0 }) : fail(condition, result.error, policy, now);
}

const succeeded = (count: number): string => (count === 1 ? 'a probe has succeeded' : `${count} probes have succeeded`);

function fail(condition: Closed, error: string, policy: BreakerPolicy, now: number): Step {
  const { failure_threshold: threshold, failure_window: window } = policy;
  const consecutiveFailures = condition.consecutiveFailures + 1;
  const failures = [...condition.failures, now].slice(-threshold);
  const [first = now] = failures;
  const last = error === '' ? '' : `; the last: ${error}`;
  const trip = (reason: string) => open(condition, policy, now, reason + last, first);
  if (consecutiveFailures >= threshold)
    return trip(threshold === 1 ? 'a call has failed' : `${threshold} failures in a row`);
  if (failures.length >= threshold && now - first <= window)
    return trip(`${threshold} failures within ${formatDuration(window)}`);
  return stay({ ...condition, consecutiveFailures, failures });
}

/** What somebody may want of a breaker; `remove`: a reset before it goes. */
export type Wish = 'open' | 'close' | 'reset' | 'remove';

const done: Readonly<Record<Wish, string>> = {
  open: 'forced open',
  close: 'forced closed',
  reset: 'reset',
  remove: 'removed from the configuration',
};

const wishers: Readonly<Record<Trigger, string>> = {
  policy: 'by the supervisor',
  alert: 'because of an alert',
  manual: 'by a person',
  chaos: 'by an experiment',
  schedule: 'by a schedule',
};

/** Does what somebody wants, whatever the policy thinks of it; no transition when it is so already. */
export function obey(condition: Condition, wish: Wish, trigger: Trigger, now: number): Step {
  const reason = `${done[wish]} ${wishers[trigger]}`;
  if (wish === 'reset' || wish === 'remove') {
    const closed = close(condition, now);
    if (condition.is === 'closed') return stay({ ...closed, since: condition.since });
    return enter(condition, closed, reason, trigger);
  }
  const is = wish === 'open' ? 'forced_open' : 'forced_closed';
  if (condition.is === is) return stay(condition);
  return enter(condition, { is, ...next(condition, now) }, reason, trigger);
}
