import { failure } from '../errors.ts';
import type { ComponentName, EventOf, RecoveryEvent } from '../model/index.ts';
import type { Registry } from '../registry.ts';
import type { Experiment } from './experiment.ts';
import type { ExperimentControl } from './experiments.ts';
import { experiments as ours } from './experiments/index.ts';
import { openRun } from './open-run.ts';
import type { ExperimentPorts } from './ports.ts';
import { putRight } from './put-right.ts';
import { Run, type Finished } from './runner.ts';
import { chooseTarget, isUp } from './subject.ts';

const isRun = (event: RecoveryEvent): event is Finished =>
  event.type === 'experiment.finished' && event.outcome !== 'skipped';

/** @param known the experiments that there are; ours unless given. */
export function createExperiments(ports: ExperimentPorts, known: Registry<Experiment> = ours): ExperimentControl {
  const { clock, emit, components, allow, past } = ports;
  const stopping = new AbortController();
  const lastRuns = new Map(past.filter(isRun).map((run) => [run.experiment, run]));
  let current: Run | null = null;

  const targetOf = (experiment: Experiment, named: string | undefined): ComponentName => {
    const all = components();
    const action = experiment.kind;
    if (named !== undefined) {
      const found = all.find(({ component }) => component === named);
      if (!found) throw failure('COMPONENT_NOT_FOUND', { component: named });
      return found.component;
    }
    const chosen = chooseTarget(all, experiment.target);
    if (chosen) return chosen.component;
    const why = `there is no such component and none of priority critical: name the one to test`;
    throw failure('ACTION_REFUSED', { action, component: experiment.target, why });
  };

  const remember = (finished: Finished): Finished => {
    if (isRun(finished)) lastRuns.set(finished.experiment, finished);
    return finished;
  };

  const finishOpen = (started: EventOf<'experiment.started'>, left: readonly string[]): void => {
    const { component, run, experiment } = started;
    const at = clock.now();
    const finished: Finished = {
      type: 'experiment.finished',
      component,
      at,
      run,
      experiment,
      outcome: 'aborted',
      why: ['the daemon ended meanwhile', ...left].join('; '),
      durationMs: Math.max(0, at - started.at),
      rtoMs: null,
      rpoMs: null,
      checks: [],
      incidents: [],
    };
    emit(remember(finished));
  };

  return {
    list: () =>
      [...known].map((experiment) => ({
        experiment,
        active: current?.experiment === experiment,
        lastRun: lastRuns.get(experiment.kind) ?? null,
      })),

    async run(name, { component: named, timeoutMs } = {}) {
      const experiment = known.get(name);
      if (!experiment) throw failure('EXPERIMENT_NOT_FOUND', { experiment: name, known: known.kinds.join(', ') });
      allow();
      const component = targetOf(experiment, named);
      if (current) {
        const why = `${current.experiment.kind} (${current.id}) runs on ${current.component}: one at a time`;
        throw failure('ACTION_REFUSED', { action: name, component, why });
      }
      const run = new Run(
        { experiment, component, timeoutMs: timeoutMs ?? experiment.timeoutMs },
        ports,
        stopping.signal,
      );
      current = run;
      try {
        return remember(await run.carryOut());
      } finally {
        current = null;
      }
    },

    async resume() {
      const open = openRun(past);
      if (!open) return;
      const { started, finished } = open;
      const { run, component: target, experiment } = started;
      const kind = known.get(experiment)?.fault.kind ?? 'unknown';
      const down = components().filter((subject) => subject.component === target && !isUp(subject));
      const left = await putRight(down, { run, kind, target, undo: null }, ports, stopping.signal);
      // One that stops meanwhile leaves it to the next.
      if (stopping.signal.aborted) return;
      if (!finished) finishOpen(started, left);
      else if (left.length > 0) throw new Error(left.join('; '));
    },

    stop: () => stopping.abort(),
  };
}
