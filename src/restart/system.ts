import type { EpochMs, EventOf, Priority } from '../model/index.ts';

/** All that the last rung of the ladder depends on, besides the time. */
export interface SystemSituation {
  /** `restart.system_restart`. */
  readonly allowed: boolean;
  /** By which rule a component is given up, and how much it matters. */
  readonly rule: EventOf<'component.failed'>['rule'];
  readonly priority: Priority;
  /** Others that live: with none of them there is no system to restart. */
  readonly othersAlive: number;
  /** When the system was restarted last. */
  readonly lastAt: EpochMs | null;
  /** It is being restarted, or the daemon boots or stops. */
  readonly busy: boolean;
}

/** The whole system is restarted at most once in so long. */
export const SYSTEM_RESTART_EVERY_MS = 3_600_000;

/** A restart has been tried as often as it may: any other reason to give up says that it is of no use. */
const tried: ReadonlySet<string> = new Set(['budget', 'slow_loop']);

/** Whether the whole system is restarted in recovery mode because a component was given up. Pure. */
export const restartsSystem = (
  { allowed, rule, priority, othersAlive, lastAt, busy }: SystemSituation,
  now: EpochMs,
): boolean =>
  allowed &&
  priority === 'critical' &&
  tried.has(rule) &&
  othersAlive > 0 &&
  !busy &&
  (lastAt === null || now - lastAt >= SYSTEM_RESTART_EVERY_MS);
