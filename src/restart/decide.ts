import type {
  ComponentRecord,
  CrashSeverity,
  Decision,
  EpochMs,
  Priority,
  Requester,
  RestartReason,
} from '../model/index.ts';
import type { toBlame } from './blame.ts';
import type { RestartPolicy } from './policy.ts';
import { worstFault, type Faults } from './slow-loop.ts';

/** Somebody wants a component to be started again. */
export interface RestartRequest {
  readonly reason: RestartReason;
  readonly by: Requester;
  /** Passes `no_restart` (a person's force) and a used-up budget (a webhook's). */
  readonly force: boolean;
  /**
   * How it ended, when it has ended by itself; null: its process lives, or never came to life.
   * `signature`: of a fault of its own, not yet among the `faults`; null: it was none, or is not known.
   */
  readonly crash: {
    readonly code: number | null;
    readonly severity: CrashSeverity;
    readonly signature: string | null;
  } | null;
  /** It lives inside another's process and does not begin anew when it is told to. */
  readonly unanswered?: boolean;
}

/** All that a decision depends on, besides the request and the time. */
export interface Situation {
  readonly record: Pick<ComponentRecord, 'attempts' | 'readyAt' | 'lastEndAt'>;
  readonly policy: RestartPolicy;
  readonly priority: Priority;
  /** Start times of this component's counted restarts, oldest first; older ones than its window may be missing. */
  readonly restarts: readonly EpochMs[];
  readonly faults: Faults;
  /** The dependency that would be restarted before it is given up; null: none is to blame. */
  readonly toBlame: ReturnType<typeof toBlame>;
  /** Start times of all automatic restarts on this host within the last hour, oldest first. */
  readonly hostRestarts: readonly EpochMs[];
  readonly hostLimit: number;
  /** Priorities of the *other* components that are being recovered now. */
  readonly recovering: readonly Priority[];
  /** Whether a maintenance window is open, and when the next one opens; null: none is configured. */
  readonly maintenance: { readonly open: boolean; readonly nextAt: EpochMs | null } | null;
}

const HOUR_MS = 3_600_000;
const rank: Readonly<Record<Priority, number>> = { critical: 0, high: 1, medium: 2, low: 3 };

/** Restarts that count now: started within the window that ends now. */
export const budgetUsed = (restarts: readonly EpochMs[], windowMs: number, now: EpochMs): number =>
  restarts.filter((at) => now - at < windowMs).length;

/** Automatic restarts and webhooks' share the budgets; a person's and those that follow a dependency's do not. */
export const isCounted = (request: Pick<RestartRequest, 'by' | 'reason'>): boolean =>
  request.by !== 'person' && request.reason !== 'dependency';

/** What the backoff grows with: the restarts since it was last well for a whole window. */
export function attemptsSoFar(record: Situation['record'], policy: RestartPolicy, now: EpochMs): number {
  if (record.readyAt === null) return record.attempts;
  const end = record.lastEndAt !== null && record.lastEndAt >= record.readyAt ? record.lastEndAt : now;
  return end - record.readyAt >= policy.restart_window ? 0 : record.attempts;
}

/** The delay before the next start, before jitter. */
export function delayOf(policy: RestartPolicy, attempts: number): number {
  switch (policy.policy) {
    case 'immediate':
      return 0;
    case 'exponential_backoff':
      return Math.min(policy.max_delay, policy.initial_delay * policy.backoff_multiplier ** attempts);
    case 'delayed':
    case 'no_restart':
    case 'manual_only':
      return Math.min(policy.max_delay, policy.initial_delay);
    default:
      return policy.policy satisfies never;
  }
}

/**
 * What becomes of a request: the first rule that applies decides. Pure, so that it also tells what would happen.
 * @returns `restart` with the delay still without jitter; `wait` is asked again at `until` or when a recovery ends.
 */
export function decide(request: RestartRequest, situation: Situation, now: EpochMs): Decision {
  return (
    byExit(request, situation.policy) ??
    byPolicy(request, situation.policy) ??
    byRequester(request, situation) ??
    byParent(request, situation) ??
    byBudget(request, situation, now) ??
    bySlowLoop(request, situation, now) ??
    byHost(request, situation) ??
    byPriority(situation) ?? {
      kind: 'restart',
      rule: situation.policy.policy,
      delayMs:
        request.by === 'webhook'
          ? 0
          : delayOf(situation.policy, attemptsSoFar(situation.record, situation.policy, now)),
      attempt: attemptsSoFar(situation.record, situation.policy, now) + 1,
    }
  );
}

function byExit({ crash }: RestartRequest, policy: RestartPolicy): Decision | undefined {
  if (!crash) return undefined;
  if (crash.severity === 'fatal')
    return { kind: 'fail', rule: 'fatal', why: 'the crash is fatal: a person must look first' };
  const meaning = crash.code === null ? undefined : policy.exit_codes[String(crash.code)];
  if (meaning === 'fail') return { kind: 'fail', rule: 'exit_codes', why: `exit code ${crash.code} means: fail` };
  if (meaning === 'ignore') return { kind: 'stay', rule: 'exit_codes', why: `exit code ${crash.code} means: done` };
  return undefined;
}

function byPolicy(request: RestartRequest, policy: RestartPolicy): Decision | undefined {
  const allowed =
    policy.policy === 'no_restart'
      ? request.force
      : policy.policy === 'manual_only'
        ? request.by !== 'supervisor'
        : true;
  if (allowed) return undefined;
  const why =
    policy.policy === 'no_restart'
      ? 'policy no_restart: only force starts it again'
      : 'policy manual_only: a person or a webhook must ask';
  return request.crash ? { kind: 'stay', rule: policy.policy, why } : { kind: 'refuse', rule: policy.policy, why };
}

function byRequester(request: RestartRequest, { record }: Situation): Decision | undefined {
  if (isCounted(request)) return undefined;
  return {
    kind: 'restart',
    rule: request.by === 'person' ? 'person' : 'dependency',
    delayMs: 0,
    attempt: record.attempts,
  };
}

/** To tell it once more is of no use: its process must be made anew. */
function byParent({ unanswered = false }: RestartRequest, { toBlame: blamed }: Situation): Decision | undefined {
  if (!unanswered || !blamed) return undefined;
  const { dependency } = blamed;
  return { kind: 'blame', rule: 'parent', dependency, why: `it does not begin anew inside ${dependency}` };
}

function byBudget(request: RestartRequest, situation: Situation, now: EpochMs): Decision | undefined {
  const { policy, restarts } = situation;
  const used = budgetUsed(restarts, policy.restart_window, now);
  if (used < policy.max_restarts) return undefined;
  const why = `${used} restarts within ${Math.round(policy.restart_window / 1_000)} s: the budget of ${policy.max_restarts} is used up`;
  return usedUp(request, situation, 'budget', why);
}

/** Restarting it once more is of no use. */
function usedUp(
  request: RestartRequest,
  { toBlame: blamed }: Situation,
  rule: string,
  why: string,
): Decision | undefined {
  if (request.by === 'supervisor' && blamed)
    return { kind: 'blame', rule, dependency: blamed.dependency, why: `${why}; ${blamed.why}` };
  if (request.by === 'supervisor') return { kind: 'fail', rule, why };
  return request.force ? undefined : { kind: 'refuse', rule, why };
}

/** Each burst stays within the budget, and yet it crashes alike again and again. */
function bySlowLoop(request: RestartRequest, situation: Situation, now: EpochMs): Decision | undefined {
  const { policy, faults } = situation;
  const { slow_loop_after: limit } = policy;
  // An end that was no fault of its own says nothing about a loop.
  if (limit === 0 || (request.crash && request.crash.signature === null)) return undefined;
  const worst = worstFault(faults, request.crash?.signature ?? null, policy, now);
  if (!worst || worst.count < limit) return undefined;
  const why = `the same crash (signature ${worst.signature}) ${worst.count} times within 24 h: slow_loop_after is ${limit}`;
  return usedUp(request, situation, 'slow_loop', why);
}

function byHost(request: RestartRequest, { priority, hostRestarts, hostLimit }: Situation): Decision | undefined {
  if (request.by !== 'supervisor' || priority === 'critical' || hostRestarts.length < hostLimit) return undefined;
  const frees = hostRestarts.at(hostRestarts.length - hostLimit);
  return {
    kind: 'wait',
    rule: 'host_budget',
    until: frees === undefined ? null : frees + HOUR_MS,
    why: `${hostRestarts.length} automatic restarts on this host within the last hour (max_restarts_per_hour: ${hostLimit})`,
  };
}

function byPriority({ priority, recovering, maintenance }: Situation): Decision | undefined {
  if (rank[priority] < rank.medium) return undefined;
  if (recovering.some((other) => rank[other] < rank[priority]))
    return { kind: 'wait', rule: 'priority', until: null, why: 'a component of higher priority is being recovered' };
  if (priority === 'low' && maintenance && !maintenance.open)
    return {
      kind: 'wait',
      rule: 'maintenance_window',
      until: maintenance.nextAt,
      why: 'priority low waits for a maintenance window',
    };
  return undefined;
}
