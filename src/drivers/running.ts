import type { Clock } from '../clock.ts';
import type { Exit, IncarnationId, ProcessIdentity } from '../model/index.ts';
import type { Running } from './driver.ts';
import { processesGone, signal } from './group.ts';
import type { LifeOutput } from './output.ts';
import { readStat, statOf, type ProcStat } from './proc.ts';
import type { StopPolicy } from './schema.ts';
import type { Sweep } from './sweep.ts';
import { readUsage, treeOf, type UsageReading } from './tree.ts';

/** What a process that we started and one that we adopted have in common: all but how their end is learnt. */
export interface Life {
  readonly identity: ProcessIdentity;
  readonly incarnation: IncarnationId;
  readonly adopted: boolean;
  readonly exited: Promise<Exit>;
  readonly output: LifeOutput;
  /** Certain that the pid is still this process and nobody else. */
  isOurs(): boolean;
  /** Its end is awaited from now on: it may be worth looking more often. */
  hurry(): void;
}

/** A process of this machine, with all that it has started. */
export interface RunningProcess extends Running {
  readonly process: ProcessIdentity;
}

/** All that descends from it, with their start times, so that none is mistaken for a later process. */
function members(pid: number): ProcStat[] {
  return treeOf(pid).flatMap((member) => readStat(member) ?? []);
}

/** Makes the handle of one life: stops, kills and reads the whole tree of processes. */
export function createRunning(life: Life, deps: { readonly clock: Clock; readonly sweep: Sweep }): RunningProcess {
  const { identity, exited } = life;
  const { pid } = identity;
  const { clock, sweep } = deps;
  let reading: UsageReading | null = null;
  let stopping: Promise<{ exit: Exit; forced: boolean }> | null = null;
  let forced = false;
  let killed: readonly ProcStat[] = [];

  const killTree = () => {
    if (!life.isOurs()) return;
    killed = members(pid);
    // The group goes when the process itself has ended: that is what waits for its `exited`.
    signal(pid, 'SIGKILL');
    for (const member of killed)
      if (member.pid !== pid && readStat(member.pid)?.startTime === member.startTime) signal(member.pid, 'SIGKILL');
  };

  const ended = async () => {
    life.hurry();
    const exit = await exited;
    await Promise.all([processesGone(killed), sweep(life.incarnation)]);
    return exit;
  };

  const stop = async (policy: StopPolicy) => {
    const patience = new AbortController();
    const lost = clock.sleep(policy.timeout, patience.signal).then(
      () => true,
      () => false,
    );
    if (life.isOurs()) {
      signal(pid, policy.signal);
      // One that was stopped (SIGSTOP, a terminal) must run again to hear the request.
      if (process.platform !== 'win32' && policy.signal !== 'SIGKILL') signal(pid, 'SIGCONT');
    }
    life.hurry();
    if (await Promise.race([lost, exited.then(() => false)])) {
      forced = true;
      killTree();
    }
    patience.abort();
    return { exit: await ended(), forced };
  };

  return {
    process: identity,
    adopted: life.adopted,
    exited,
    stop: (policy) => (stopping ??= stop(policy)),
    kill() {
      forced = true;
      killTree();
      return ended();
    },
    usage(maxAgeMs = 0) {
      const isFresh = reading && clock.monotonic() - reading.at < maxAgeMs;
      if (isFresh && typeof reading?.usage.cpuRatio === 'number') return reading.usage;
      const stat = statOf(identity);
      if (!stat) return null;
      reading = readUsage(stat, clock.monotonic(), reading);
      return reading.usage;
    },
    outputTail: (stream, bytes) => life.output.tail(stream, bytes),
  };
}
