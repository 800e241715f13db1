import type { Clock } from '../clock.ts';
import { sentenceOf } from '../errors.ts';
import { oneLine } from '../format.ts';
import { isFailure, type CheckOutcome } from '../model/index.ts';
import { formatDuration } from '../units.ts';
import { unhealthy, unknown, type Check, type CheckResult, type CheckSubject } from './check.ts';
import type { CheckPlan } from './schema.ts';
import type { Schedule } from './schedule.ts';

const POLL_FIRST_MS = 50;
const POLL_GROWTH = 1.5;
const POLL_MAX_MS = 500;
/** After a resume the first run comes this soon, however long the interval. */
const EARLY_MS = 1_000;
const SHORTEST_MS = 10;
/** Of its interval, and in ms: so much before its turn it may run together with others. */
const EARLY_SHARE = 0.2;
const MOST_EARLY_MS = 1_000;
const MESSAGE_LENGTH = 300;

/** How one run ended. */
export interface Finding {
  readonly outcome: CheckOutcome;
  readonly message: string;
  readonly severity: number;
  readonly durationMs: number;
  /** Of a run whose turn it was. */
  readonly lateMs?: number;
  readonly latency?: CheckResult['latency'];
}

export interface RunnerDeps {
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly random: () => number;
  readonly subject: CheckSubject;
  readonly cwd: string;
  intervalMs(): number;
  found(finding: Finding): void;
}

/**
 * When one check runs. At rest, or on a fixed grid (start + phase + n × interval, so that lateness never adds up),
 * or polled. Two runs never overlap: one that does not come back after its timeout is told again as a timeout at
 * each later turn. Only a run that ignores its aborted signal may still linger when a new life begins.
 */
export interface Runner {
  /** A new life: its memory is empty, its phase is drawn anew, a first run comes soon. */
  begin(): void;
  /** At rest: a run under way is aborted and tells nothing. */
  end(): void;
  /** Runs now and then again and again, at growing distances, until `calm`. */
  poll(): void;
  /** From polling back to the grid. */
  calm(): void;
  /** The interval may have changed. */
  rearm(): void;
  /** One run now, unless one is under way. */
  hurry(): void;
}

interface Run {
  /** Made when it is asked for: most checks answer at once, and it costs more than they do. */
  controller: AbortController | null;
  readonly startedAt: number;
  readonly dueAt: number | null;
  timedOut: boolean;
}

export function createRunner(check: Check, plan: CheckPlan, deps: RunnerDeps): Runner {
  const { clock, schedule } = deps;
  const memory = new Map<string, number>();
  let alive = false;
  let origin = 0;
  let pollMs: number | null = null;
  let cancelNext: (() => void) | null = null;
  let dueAt = 0;
  /** When its last turn began. */
  let turnedAt = -Infinity;
  let current: Run | null = null;

  function plans(due: number, earlyMs = 0): void {
    cancelNext?.();
    dueAt = due;
    cancelNext = schedule.at(due, turn, earlyMs);
  }

  function arm(): void {
    const now = clock.monotonic();
    if (pollMs !== null) {
      plans(now + pollMs);
      pollMs = Math.min(pollMs * POLL_GROWTH, POLL_MAX_MS);
      return;
    }
    const every = Math.max(SHORTEST_MS, deps.intervalMs());
    const due = origin + (Math.floor((now - origin) / every) + 1) * every;
    // Not twice in a row: neither by a rounding error nor because the early run fell just before the grid.
    const earlyMs = Math.min(every * EARLY_SHARE, MOST_EARLY_MS);
    plans(due - turnedAt <= Math.max(earlyMs, every / 10) ? due + every : due, earlyMs);
  }

  function turn(): void {
    cancelNext = null;
    turnedAt = clock.monotonic();
    const due = dueAt;
    if (pollMs === null) arm();
    if (!current) run(due);
    else if (current.timedOut) tell(late(current));
    if (alive && !cancelNext && (!current || current.timedOut)) arm();
  }

  function late({ startedAt }: Run): Finding {
    const durationMs = clock.monotonic() - startedAt;
    return { outcome: 'timeout', message: `no answer after ${formatDuration(durationMs)}`, severity: 7, durationMs };
  }

  function tell(finding: Finding): void {
    const severity = isFailure(finding.outcome) ? (plan.severity ?? finding.severity) : finding.severity;
    deps.found({ ...finding, severity, message: oneLine(finding.message, MESSAGE_LENGTH) });
  }

  /** @param dueAt null: it is not its turn. */
  function run(dueAt: number | null): void {
    const mine: Run = { controller: null, startedAt: clock.monotonic(), dueAt, timedOut: false };
    current = mine;
    let result: CheckResult | Promise<CheckResult>;
    try {
      result = check.run(plan.options, {
        clock,
        get signal() {
          return controllerOf(mine).signal;
        },
        subject: deps.subject,
        memory,
        cwd: deps.cwd,
      });
    } catch (error) {
      result = thrown(error);
    }
    if (!(result instanceof Promise)) return settle(mine, result);
    const cancelTimeout = schedule.at(mine.startedAt + plan.timeout, () => {
      mine.timedOut = true;
      controllerOf(mine).abort(new Error(`the check's timeout of ${formatDuration(plan.timeout)} is over`));
      tell(late(mine));
      if (alive && !cancelNext) arm();
    });
    const done = (found: CheckResult) => {
      cancelTimeout();
      settle(mine, found);
    };
    result.then(done, (error: unknown) => done(thrown(error)));
  }

  function settle(mine: Run, result: CheckResult | undefined): void {
    if (current !== mine) return;
    current = null;
    if (mine.timedOut) return;
    const { status, message, severity, latency } = result ?? unknown('the check answered nothing');
    const { startedAt, dueAt } = mine;
    const lateness = dueAt === null ? {} : { lateMs: Math.max(0, startedAt - dueAt) };
    tell({ outcome: status, message, severity, durationMs: clock.monotonic() - startedAt, ...lateness, latency });
    if (alive && !cancelNext) arm();
  }

  function end(): void {
    alive = false;
    pollMs = null;
    cancelNext?.();
    cancelNext = null;
    const aborted = current;
    current = null;
    if (aborted) controllerOf(aborted).abort(new Error('the check is no longer wanted'));
  }

  return {
    begin() {
      end();
      memory.clear();
      turnedAt = -Infinity;
      alive = true;
      const [now, every] = [clock.monotonic(), deps.intervalMs()];
      origin = now + deps.random() * every;
      plans(now + deps.random() * Math.min(every, EARLY_MS));
    },
    end,
    poll() {
      if (!alive) return;
      pollMs = POLL_FIRST_MS;
      dueAt = clock.monotonic();
      cancelNext?.();
      cancelNext = null;
      turn();
    },
    calm() {
      if (pollMs === null) return;
      pollMs = null;
      if (alive) arm();
    },
    rearm() {
      if (alive && pollMs === null) arm();
    },
    hurry() {
      if (alive && !current) run(null);
    },
  };
}

const controllerOf = (run: Run): AbortController => (run.controller ??= new AbortController());

const thrown = (error: unknown): CheckResult => unhealthy(`the check failed: ${sentenceOf(error)}`, 8);
