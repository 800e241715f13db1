import type { ComponentConfig } from '../config/index.ts';
import { driverKindOf } from '../drivers/index.ts';
import { iso } from '../format.ts';
import type { CheckState } from '../health/index.ts';
import type { ComponentRecord, EpochMs, EventOf, ProcessUsage, RecoveryEvent } from '../model/index.ts';
import type { CheckView, ComponentView, CrashView, EventView, RecoveryView } from './api.ts';
import { incarnationOf, stateName } from './state.ts';

const seconds = (ms: number): number => Math.round(ms) / 1_000;

export const checkView = (state: CheckState): CheckView => ({
  name: state.check,
  kind: state.kind,
  status: state.outcome,
  message: state.message,
  severity: state.severity,
  at: state.at === null ? null : iso(state.at),
  consecutive_failures: state.consecutiveFailures,
});

export interface ComponentFacts {
  readonly config: ComponentConfig;
  readonly record: ComponentRecord;
  readonly checks: readonly CheckState[];
  readonly usage: ProcessUsage | null;
  readonly pid: number | null;
  readonly adopted: boolean;
  readonly budgetUsed: number;
  /** What its start waits for; empty: nothing. */
  readonly waitingFor: string;
  readonly health: ComponentView['health'];
  readonly now: EpochMs;
}

export function componentView({
  config,
  record,
  checks,
  usage,
  pid,
  adopted,
  budgetUsed,
  waitingFor,
  health,
  now,
}: ComponentFacts): ComponentView {
  const { state } = record;
  return {
    name: record.component,
    kind: driverKindOf(config),
    state: stateName(state),
    health,
    priority: config.priority,
    enabled: config.enabled,
    held: record.held,
    pid,
    incarnation: incarnationOf(state),
    adopted,
    since: iso(state.since),
    uptime_seconds: record.startedAt === null ? null : seconds(Math.max(0, now - record.startedAt)),
    restarts: record.totalRestarts,
    crashes: record.crashes,
    last_crash_at: record.lastCrashAt === null ? null : iso(record.lastCrashAt),
    restart_budget: budgetView(config, budgetUsed),
    next_start_at: state.is === 'backoff' && state.until !== null ? iso(state.until) : null,
    why: waitingFor || whyOf(state, checks),
    depends_on: config.depends_on,
    cpu_ratio: usage?.cpuRatio ?? null,
    resident_memory_bytes: usage?.residentBytes ?? null,
    open_fds: usage?.openFds ?? null,
    checks: checks.map(checkView),
  };
}

export const budgetView = (config: ComponentConfig, used: number): ComponentView['restart_budget'] => ({
  used,
  limit: config.restart.max_restarts,
  window_seconds: seconds(config.restart.restart_window),
});

function whyOf(state: ComponentRecord['state'], checks: readonly CheckState[]): string {
  if ('why' in state) return state.why;
  const worst = checks
    .toSorted((a, b) => b.severity - a.severity)
    .find(({ outcome }) => outcome !== 'healthy' && outcome !== 'unknown');
  return worst ? `${worst.check}: ${worst.message}` : '';
}

export const crashView = ({
  event,
  report,
}: {
  event: Extract<RecoveryEvent, { type: 'component.crashed' }>;
  report: string | null;
}): CrashView => ({
  crash_id: event.crash,
  at: iso(event.at),
  component: event.component,
  type: event.crashType,
  severity: event.severity,
  exit_code: event.exit.code,
  signal: event.exit.signal,
  uptime_seconds: seconds(event.uptimeMs),
  report,
});

export const recoveryView = ({
  at,
  recovery,
  mode,
  by,
  outcome,
  manifest,
  points,
}: EventOf<'system.recovered'>): RecoveryView => ({
  recovery_id: recovery,
  at: iso(at),
  mode,
  by,
  outcome,
  manifest_id: manifest ?? null,
  points: points.map(({ component, checkpoint, dataLossMs, how, why }) => ({
    component,
    checkpoint_id: checkpoint,
    estimated_data_loss_seconds: dataLossMs / 1_000,
    how,
    why,
  })),
});

const snake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Keys in the contract's form, at every depth; numbers to three decimals. */
function toSnake(value: unknown): unknown {
  if (typeof value === 'number') return Math.round(value * 1_000) / 1_000;
  if (Array.isArray(value)) return value.map(toSnake);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [snake(key), toSnake(inner)]));
}

export const eventView = (event: RecoveryEvent, seq: number | null): EventView => ({
  ...(toSnake(event) as object),
  seq,
  at: iso(event.at),
  type: event.type,
});
