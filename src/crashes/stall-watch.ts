import { readFileSync, writeSync } from 'node:fs';
import { systemClock } from '../clock.ts';
import type { CrashType } from '../model/index.ts';

/*
 * Watches the main thread from another one. The main thread counts its beats in shared memory; when the count stands
 * still, somebody is in its way: what it does then is written down as a crash report, for nobody on the main thread
 * could. Loads next to nothing until then.
 */

/** What the watching thread is told when it begins. */
export interface StallWatchPlan {
  /** One number, counted up at least once a second; 0: not yet begun. */
  readonly beats: SharedArrayBuffer;
  /** Where the report goes. */
  readonly folder: string;
  /** The daemon's own log, for its last lines. */
  readonly logFile: string;
  readonly version: string;
  /** Somebody starts the daemon again: it ends itself once the report is written. */
  readonly ends: boolean;
  /** Ms without a beat; 5 s unless given. */
  readonly stalledMs?: number;
}

/** What was found; told once the main thread hears again. */
export interface Stall {
  readonly crash: string;
  readonly crashType: CrashType;
  /** How long it had lasted when it was written down. */
  readonly stalledMs: number;
  readonly file: string;
}

const STALLED_MS = 5_000;
const LOOK_MS = 1_000;
const MS_PER_TICK = 10;

/** CPU time of the main thread, ms; null where there is no /proc. */
function mainCpuMs(): number | null {
  try {
    const text = readFileSync(`/proc/self/task/${process.pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
  } catch {
    return null;
  }
}

/**
 * Begins to watch. @returns how to end it.
 * @param tell heard at once here; whoever it is for hears it when the main thread runs again.
 */
export function watchMainThread(plan: StallWatchPlan, tell: (stall: Stall) => void): () => void {
  const beats = new Int32Array(plan.beats);
  const stalledMs = plan.stalledMs ?? STALLED_MS;
  const lookMs = Math.min(LOOK_MS, stalledMs / 5);
  let seen = 0;
  let [beatAt, lookedAt] = [performance.now(), performance.now()];
  let before: { at: number; cpuMs: number | null } | null = null;
  let told = false;

  const look = (): void => {
    const now = performance.now();
    // We stood still too: the machine slept, or the whole process was stopped. Nobody is to blame for that.
    const asleep = now - lookedAt > 3 * lookMs;
    lookedAt = now;
    const count = Atomics.load(beats, 0);
    if (count !== seen || count === 0 || asleep) {
      [seen, beatAt, before, told] = [count, now, null, false];
      return;
    }
    // One look may come just before the beat that it looks for.
    if (now - beatAt < 1.5 * lookMs) return;
    before ??= { at: now, cpuMs: mainCpuMs() };
    if (told || now - beatAt < stalledMs) return;
    told = true;
    const cpuMs = mainCpuMs();
    const cpuRatio =
      cpuMs === null || before.cpuMs === null || now === before.at ? null : (cpuMs - before.cpuMs) / (now - before.at);
    void writeDown(now - beatAt, cpuRatio);
  };

  async function writeDown(forMs: number, cpuRatio: number | null): Promise<void> {
    try {
      const { reportStall } = await import('./stall-report.ts');
      const stall = await reportStall(plan, { stalledMs: Math.round(forMs), cpuRatio });
      complain(`the main thread has stood still for ${Math.round(forMs / 1_000)} s: ${stall.file}`);
      // It went on while we wrote: nothing to end.
      if (plan.ends && Atomics.load(beats, 0) === seen) end();
      tell(stall);
    } catch (error) {
      complain(`the main thread stands still, and no report could be written: ${String(error)}`);
      if (plan.ends && Atomics.load(beats, 0) === seen) end();
    }
  }

  // Beside what else this thread does every so many seconds; a shorter time is a test's.
  if (lookMs === LOOK_MS) return systemClock.every(LOOK_MS, look);
  const timer = setInterval(look, lookMs).unref();
  return () => clearInterval(timer);
}

/** Past the main thread, which has every other way to stderr. */
function complain(text: string): void {
  try {
    writeSync(2, `paramedic: ${text}\n`);
  } catch {
    // Nobody listens there.
  }
}

/** Nothing gentler is heard: its handlers run on the main thread. The components run on and are adopted. */
function end(): void {
  complain('it ends itself, to be started again');
  process.kill(process.pid, 'SIGKILL');
}
