import type { Clock } from '../clock.ts';
import type { ComponentName } from '../model/index.ts';
import type { ResumePoints } from './state-store.ts';
import type { StateWorker } from './state-worker.ts';

/**
 * The resume points as the house asks for them.
 * @param leaving whose life before still runs, as far as is known: what it saves does not count. The thread that owns
 * the file knows it too, and forgets it when it dies.
 */
export function createResumePoints(
  ask: StateWorker['ask'],
  clock: Pick<Clock, 'now'>,
  leaving: Set<ComponentName>,
): ResumePoints {
  return {
    async from(points, areLeaving) {
      await ask('resumeFrom', { points, leaving: areLeaving, at: clock.now() });
      for (const { component } of points) {
        if (areLeaving) leaving.add(component);
        else leaving.delete(component);
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
      leaving.delete(component);
      await ask('resumeDropped', { component });
    },
    list: () => ask('resumePoints', {}),
  };
}
