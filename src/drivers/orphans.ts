import type { Clock } from '../clock.ts';
import type { Launcher } from './launcher.ts';
import { childrenOf, readStat } from './proc.ts';

/** Node waits for what it has started itself within one turn of its loop: who is a zombie for longer is nobody's. */
const LOOK_EVERY_MS = 2_000;

/**
 * As PID 1 of a container this process becomes the parent of all whose own has ended, and must wait for them when they
 * end too: each that nobody waits for keeps its pid for ever. Only that very pid is waited for, and only when it is a
 * child of ours, is none that was started by us, and was a zombie at the look before: no exit is taken from anybody.
 * @returns how to end it.
 */
export function reapOrphans(deps: {
  readonly launcher: Pick<Launcher, 'orphans'>;
  readonly clock: Clock;
  readonly onProblem: (what: string, error: unknown) => void;
}): () => void {
  const { clock, onProblem } = deps;
  const { orphans } = deps.launcher;
  if (!orphans) {
    const why = 'what components leave behind stays as zombies, for koffi or glibc is missing: run it with an init';
    onProblem('this is PID 1', new Error(`${why} (docker run --init, tini)`));
    return () => {};
  }
  let before = new Map<number, number>();
  let cancel = () => {};
  const look = () => {
    const ended = childrenOf(process.pid)
      .filter((pid) => !orphans.isKnown(pid))
      .flatMap((pid) => readStat(pid) ?? [])
      .filter(({ state }) => state === 'Z');
    for (const { pid, startTime } of ended) if (before.get(pid) === startTime) orphans.reap(pid);
    before = new Map(ended.map(({ pid, startTime }) => [pid, startTime]));
    cancel = clock.after(LOOK_EVERY_MS, look);
  };
  look();
  return () => cancel();
}
