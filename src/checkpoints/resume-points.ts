import type { Clock } from '../clock.ts';
import { ParamedicError } from '../errors.ts';
import type { ComponentName, EpochMs } from '../model/index.ts';
import type { DroppedResume, WorkerData } from './protocol.ts';
import type { ResumePoints } from './state-store.ts';
import type { StateWorker } from './state-worker.ts';

/** What whoever begins a thread tells it, because the one before it has taken it along. */
export interface ResumeMemory {
  /** Their lives before still run, as far as is known: what they save does not count. */
  readonly leaving: Set<ComponentName>;
  /** By when they were asked for. Nobody has said whether they are stored, or dropped: they are not to be there. */
  readonly unanswered: Map<ComponentName, EpochMs>;
}

export const createResumeMemory = (): ResumeMemory => ({ leaving: new Set(), unanswered: new Map() });

export const forThread = ({ leaving, unanswered }: ResumeMemory): Pick<WorkerData, 'leaving' | 'dropped'> => ({
  leaving: [...leaving],
  dropped: [...unanswered].map(([component, at]) => ({ component, at })),
});

/**
 * The resume points as the house asks for them. A thread that dies may have stored one without saying so: whoever is told
 * that it has failed is told the truth, because the next thread drops it before it does anything else.
 */
export function createResumePoints(
  ask: StateWorker['ask'],
  clock: Pick<Clock, 'now'>,
  { leaving, unanswered }: ResumeMemory,
): ResumePoints {
  /** When the newest of each was asked for. */
  const asked = new Map<ComponentName, EpochMs>();

  function answered({ component, at }: DroppedResume): void {
    if (unanswered.get(component) === at) unanswered.delete(component);
  }

  async function drop(dropped: DroppedResume): Promise<void> {
    unanswered.set(dropped.component, dropped.at);
    await ask('resumeDropped', dropped);
    answered(dropped);
  }

  return {
    async from(points, areLeaving) {
      const at = clock.now();
      const all = points.map(({ component }) => ({ component, at }));
      for (const { component } of all) unanswered.set(component, at);
      try {
        await ask('resumeFrom', { points, leaving: areLeaving, at });
      } catch (error) {
        if (error instanceof ParamedicError && error.code !== 'STORE_FAILED') all.forEach(answered);
        else await Promise.allSettled(all.map(drop));
        throw error;
      }
      for (const point of all) {
        answered(point);
        asked.set(point.component, at);
        if (areLeaving) leaving.add(point.component);
        else leaving.delete(point.component);
      }
    },
    async begun(component) {
      leaving.delete(component);
      await ask('resumeBegun', { component, at: clock.now() });
    },
    async awaited(component) {
      leaving.add(component);
      await ask('resumeAwaited', { component });
    },
    async drop(component) {
      const at = asked.get(component);
      if (at === undefined) return;
      asked.delete(component);
      leaving.delete(component);
      await drop({ component, at });
    },
    list: () => ask('resumePoints', {}),
  };
}
