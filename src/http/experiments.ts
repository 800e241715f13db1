import { Router } from 'express';
import { z } from 'zod';
import type { ExperimentInfo, Finished } from '../chaos/index.ts';
import { iso } from '../format.ts';
import type { Daemon } from '../supervisor/api.ts';
import { parseBody } from './body.ts';
import { parameter, resource } from './resource.ts';

const LONGEST_S = 3_600;

const runBody = z.strictObject({
  component: z.string().optional(),
  timeout_seconds: z.number().positive().max(LONGEST_S).optional(),
});

const seconds = (ms: number): number => Math.round(ms) / 1_000;

/** One run with its verdict; `rto_seconds` and `rpo_seconds` null: not measured. */
export const runView = (run: Finished) => ({
  run: run.run,
  experiment: run.experiment,
  component: run.component,
  at: iso(run.at),
  outcome: run.outcome,
  why: run.why,
  duration_seconds: seconds(run.durationMs),
  rto_seconds: run.rtoMs === null ? null : seconds(run.rtoMs),
  rpo_seconds: run.rpoMs === null ? null : seconds(run.rpoMs),
  checks: run.checks,
  incidents: run.incidents,
});
export type RunView = ReturnType<typeof runView>;

const experimentView = ({ experiment, active, lastRun }: ExperimentInfo) => ({
  name: experiment.kind,
  summary: experiment.summary,
  target: experiment.target,
  fault: experiment.fault.kind,
  timeout_seconds: seconds(experiment.timeoutMs),
  active,
  last_run: lastRun && runView(lastRun),
});
export type ExperimentView = ReturnType<typeof experimentView>;

/** Recovery tests: what there is, and making one. It is answered when it has ended, 200 whatever its verdict. */
export function experiments(daemon: Daemon): Router {
  const router = Router();
  resource(router, '/experiments', {
    GET: (_request, response) => void response.json({ experiments: daemon.experiments.list().map(experimentView) }),
  });
  resource(router, '/experiments/:name/run', {
    async POST(request, response) {
      const { component, timeout_seconds } = await parseBody(request, runBody);
      const timeoutMs = timeout_seconds === undefined ? undefined : timeout_seconds * 1_000;
      response.json(runView(await daemon.experiments.run(parameter(request, 'name'), { component, timeoutMs })));
    },
  });
  return router;
}
