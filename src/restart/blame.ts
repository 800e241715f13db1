import type { ComponentName, EpochMs } from '../model/index.ts';

/** What is known of something that a failing component depends on. */
export interface Dependency {
  readonly name: ComponentName;
  /** What fails lives inside its process: that may be to blame although nothing else says so. */
  readonly parent: boolean;
  /** It runs, and its checks say that it is unhealthy. */
  readonly unhealthy: boolean;
  readonly lastCrashAt: EpochMs | null;
  /** When it was blamed last by the same component; null: it never was. */
  readonly blamedAt: EpochMs | null;
  /** It is being brought back already, or would be restarted if somebody asked. */
  readonly canRestart: boolean;
}

/**
 * The dependency that is to blame for a component that would be given up: one that is unhealthy, else the one that
 * crashed last, within the window, else the parent that it lives in; null: none is. Each is blamed once within a window. Pure.
 */
export function toBlame(
  dependencies: readonly Dependency[],
  windowMs: number,
  now: EpochMs,
): { readonly dependency: ComponentName; readonly why: string } | null {
  const recent = (at: EpochMs | null): at is EpochMs => at !== null && now - at < windowMs;
  const suspects = dependencies.filter(
    ({ parent, unhealthy, lastCrashAt, blamedAt, canRestart }) =>
      canRestart && !recent(blamedAt) && (parent || unhealthy || recent(lastCrashAt)),
  );
  const [worst] = suspects.toSorted(
    (a, b) => Number(b.unhealthy) - Number(a.unhealthy) || (b.lastCrashAt ?? 0) - (a.lastCrashAt ?? 0),
  );
  if (!worst) return null;
  const { name: dependency, parent, unhealthy, lastCrashAt } = worst;
  const said = unhealthy ? 'is unhealthy' : recent(lastCrashAt) ? 'has crashed shortly before' : 'is its own process';
  return { dependency, why: `its ${parent ? 'parent' : 'dependency'} ${dependency} ${said}` };
}
