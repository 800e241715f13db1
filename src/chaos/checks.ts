import { formatDuration } from '../format.ts';
import type { Expectation, Observation } from './experiment.ts';
import { isUp, stateOf } from './subject.ts';

const now = ({ component, after }: Observation) => after.find((subject) => subject.component === component);

/** The data loss that was measured; null: no state came back, so there is nothing to measure. */
export const rpoOf = ({ restored }: Observation): number | null =>
  restored?.outcome === 'success' ? restored.dataLossMs : null;

export const processRestarted: Expectation = {
  name: 'process_restarted',
  essential: true,
  judge(observation) {
    const { rtoMs, gaveUp, timeoutMs } = observation;
    const subject = now(observation);
    const state = subject ? stateOf(subject) : 'gone';
    if (rtoMs === null) {
      const detail = gaveUp ?? `not verified healthy within ${formatDuration(timeoutMs)}, it is ${state}`;
      return { passed: false, detail };
    }
    const healthyAfter = `verified healthy ${formatDuration(rtoMs)} after the fault`;
    if (!subject || !isUp(subject)) return { passed: false, detail: `${healthyAfter}, but now ${state}` };
    return { passed: true, detail: `${healthyAfter}, as pid ${subject.process?.pid ?? 'unknown'}` };
  },
};

export const stateRecovered: Expectation = {
  name: 'state_recovered',
  essential: false,
  judge({ hadState, restored }) {
    if (!hadState) return null;
    if (!restored) return { passed: false, detail: 'it had saved its state, and its new life has not asked for it' };
    const { source, outcome, entriesReplayed } = restored;
    if (outcome === 'failure') return { passed: false, detail: 'its state could not be given back' };
    const from = source === 'none' ? 'its journal alone' : `the ${source} checkpoint`;
    return { passed: true, detail: `continues from ${from}, ${entriesReplayed} journal entries replayed` };
  },
};

export const servicesRunning: Expectation = {
  name: 'services_running',
  essential: false,
  judge({ upBefore, after }) {
    const down = upBefore.flatMap(({ component }) => {
      const subject = after.find((other) => other.component === component);
      return subject && isUp(subject) ? [] : [`${component} is ${subject ? stateOf(subject) : 'gone'}`];
    });
    const count = `${upBefore.length} of ${upBefore.length}`;
    return down.length === 0
      ? { passed: true, detail: `${count} that were up are up again` }
      : { passed: false, detail: down.join('; ') };
  },
};

export const rtoWithinObjective: Expectation = {
  name: 'rto_within_objective',
  essential: false,
  judge({ rtoMs, objectives }) {
    if (rtoMs === null) return { passed: false, detail: 'not measured: it was never verified healthy' };
    return within(rtoMs, objectives.rtoMs);
  },
};

export const rpoWithinObjective: Expectation = {
  name: 'rpo_within_objective',
  essential: false,
  judge(observation) {
    const rpoMs = rpoOf(observation);
    if (rpoMs !== null) return within(rpoMs, observation.objectives.rpoMs);
    return observation.hadState ? { passed: false, detail: 'not measured: no state came back' } : null;
  },
};

const within = (ms: number, objectiveMs: number) => ({
  passed: ms <= objectiveMs,
  detail: `${formatDuration(ms)}, the objective is ${formatDuration(objectiveMs)}`,
});
