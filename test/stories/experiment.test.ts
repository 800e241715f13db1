import { describe, expect, it } from 'vitest';
import type { ExperimentView, RunView } from '../../src/http/experiments.ts';
import { client, isAlive, paramedic, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const eager = { policy: 'immediate', max_restarts: 100 };
const LONG = 120_000;

/** Continues from its state, then journals and saves all the time. */
const remembering = (more: Record<string, unknown> = {}) =>
  client(
    `let { state } = await line.restore();
     let steps = state ?? 0;
     for (;;) {
       await line.journal('step', ++steps);
       await line.saveState(steps);
       await new Promise((resolve) => setTimeout(resolve, 20));
     }`,
    { priority: 'critical', restart: eager, ...more },
  );

const test = (site: Site, ...args: string[]) => paramedic(['test', '--config', site.file, ...args]);
const verdict = async (site: Site, ...args: string[]) => {
  const { code, stdout, stderr } = await test(site, '--json', ...args);
  return { code, stderr, run: (stdout === '' ? null : JSON.parse(stdout)) as RunView };
};
const failures = ({ checks }: RunView) => checks.filter(({ passed }) => !passed).map(({ name }) => name);
const saved = (site: Site) => until('a checkpoint', async () => (await site.events('checkpoint.written')).length > 0);

describe('paramedic test', () => {
  it('kills the agent and passes with measured RTO and RPO', { timeout: LONG }, async () => {
    const site = new Site({
      components: { agent_core: remembering(), gmail: sleeper({ depends_on: ['agent_core'] }) },
    });
    await site.start();
    const before = await site.untilState('agent_core', 'running');
    await site.untilState('gmail', 'running');
    await saved(site);

    const { code, run } = await verdict(site, '--test-name', 'agent_crash_recovery');
    expect(run).toMatchObject({ experiment: 'agent_crash_recovery', component: 'agent_core', outcome: 'passed' });
    expect(code).toBe(0);
    expect(run.checks.map(({ name }) => name)).toEqual([
      'process_restarted',
      'state_recovered',
      'services_running',
      'rto_within_objective',
      'rpo_within_objective',
    ]);
    expect(run.rto_seconds).toBeGreaterThan(0);
    expect(run.rto_seconds).toBeLessThan(30);
    expect(run.rpo_seconds).toBe(0);

    const [injected, ...more] = await site.events('fault.injected');
    expect(more).toEqual([]);
    expect(injected).toMatchObject({ component: 'agent_core', fault: 'kill', pid: before.pid });
    expect(isAlive(before.pid!)).toBe(false);
    expect(await site.events('component.crashed')).toMatchObject([{ exit: { signal: 'SIGKILL' } }]);
    expect((await site.component('agent_core')).pid).not.toBe(before.pid);
    expect(await site.events('fault.undone')).toEqual([]);

    const { experiments } = (await site.api('GET', 'experiments')).body as { experiments: ExperimentView[] };
    expect(experiments).toMatchObject([{ name: 'agent_crash_recovery', active: false, last_run: run }]);
    const metrics = await site.metrics();
    for (const line of [
      'paramedic_chaos_experiments_total{experiment="agent_crash_recovery",outcome="passed"} 1',
      'paramedic_chaos_faults_injected_total{fault="kill",component="agent_core"} 1',
      'paramedic_chaos_experiment_active{experiment="agent_crash_recovery"} 0',
      'paramedic_chaos_last_run_timestamp_seconds{experiment="agent_crash_recovery"}',
    ])
      expect(metrics).toContain(line);

    await site.end('SIGKILL');
    await site.start();
    const later = (await site.api('GET', 'experiments')).body as { experiments: ExperimentView[] };
    expect(later.experiments).toMatchObject([{ last_run: run }]);
  });

  it('fails where recovery is switched off, and leaves the component running', { timeout: LONG }, async () => {
    const site = new Site({ components: { agent_core: remembering({ restart: { policy: 'no_restart' } }) } });
    await site.start();
    const before = await site.untilState('agent_core', 'running');
    await saved(site);

    const { code, stdout } = await test(site);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'agent_crash_recovery on agent_core: failed (process_restarted: it stays down: policy no_restart',
    );
    expect(stdout).toContain('RTO not measured, RPO not measured');
    const after = await site.component('agent_core');
    expect(after).toMatchObject({ state: 'running' });
    expect(after.pid).not.toBe(before.pid);
    expect(await site.events('fault.undone')).toMatchObject([{ component: 'agent_core', fault: 'kill' }]);
  });

  it('does not pass when the new life never asks for what was saved', { timeout: LONG }, async () => {
    const site = new Site({
      components: {
        agent_core: client(
          `if ((await import('node:fs')).existsSync('been')) setInterval(() => {}, 1e6);
           else { await line.saveState(1); (await import('node:fs')).writeFileSync('been', ''); setInterval(() => {}, 1e6); }`,
          { restart: eager },
        ),
      },
    });
    await site.start();
    await site.untilState('agent_core', 'running');
    await saved(site);

    const { code, run } = await verdict(site);
    expect({ code, outcome: run.outcome, rpo: run.rpo_seconds }).toEqual({ code: 1, outcome: 'partial', rpo: null });
    expect(failures(run)).toEqual(['state_recovered', 'rpo_within_objective']);
    expect(run.rto_seconds).not.toBeNull();
  });

  it('is skipped on a component that is not well, and touches nobody', async () => {
    const site = new Site({
      components: {
        agent_core: sleeper({
          checks: { ok: { command: { command: ['false'] }, interval: '50ms', failure_threshold: 1, action: 'none' } },
          start: { timeout: '1h' },
        }),
      },
    });
    await site.start();
    const { pid } = await until('a process', async () => {
      const view = await site.component('agent_core');
      return view.pid !== null && view;
    });

    const { code, run } = await verdict(site);
    expect({ code, outcome: run.outcome }).toEqual({ code: 1, outcome: 'skipped' });
    expect(run.why).toContain('agent_core is not well before the fault: starting');
    expect(isAlive(pid!)).toBe(true);
    expect(await site.events('experiment.started')).toEqual([]);
  });

  it(
    'refuses an unknown test, an unknown component, and a second one beside the first',
    { timeout: LONG },
    async () => {
      const site = new Site({
        components: {
          brain: sleeper({ priority: 'critical', restart: { policy: 'delayed', initial_delay: '4s', jitter: 0 } }),
        },
      });
      await site.start();
      const { pid } = await site.untilState('brain', 'running');
      expect(await test(site, '--test-name', 'nothing')).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching('No experiment named "nothing"') as string,
      });
      expect(await test(site, '--component', 'nobody')).toMatchObject({
        code: 1,
        stderr: expect.stringMatching('No component named "nobody"') as string,
      });
      expect(isAlive(pid!)).toBe(true);

      const first = verdict(site);
      await until('the fault', async () => (await site.events('fault.injected')).length > 0);
      expect(await site.metrics()).toContain('paramedic_chaos_experiment_active{experiment="agent_crash_recovery"} 1');
      const second = await site.api('POST', 'experiments/agent_crash_recovery/run', {});
      expect(second).toMatchObject({ status: 409, body: { code: 'ACTION_REFUSED' } });

      const { code, run } = await first;
      expect({ code, outcome: run.outcome, component: run.component }).toEqual({
        code: 0,
        outcome: 'passed',
        component: 'brain',
      });
      expect(run.rto_seconds).toBeGreaterThan(3.9);
      expect(run.checks.map(({ name }) => name)).not.toContain('state_recovered');
    },
  );
});

describe('an experiment whose daemon goes away', () => {
  const waiting = { restart: { policy: 'delayed', initial_delay: '1h', max_delay: '1h', jitter: 0 } };

  /** In the middle of an experiment: the component is down and will not be back for an hour. */
  async function begun() {
    const site = new Site({ components: { agent_core: sleeper(waiting) } });
    await site.start();
    await site.untilState('agent_core', 'running');
    const ended = test(site);
    await site.untilState('agent_core', 'backoff');
    return { site, ended };
  }

  it('is aborted when the daemon is stopped', { timeout: LONG }, async () => {
    const { site, ended } = await begun();
    await site.end('SIGTERM');
    const { code, stdout } = await ended;
    expect(code).toBe(1);
    expect(stdout).toContain('aborted (the daemon was stopped meanwhile)');
  });

  it('is finished by the next daemon, which starts the component again', { timeout: LONG }, async () => {
    const { site, ended } = await begun();
    await site.end('SIGKILL');
    expect((await ended).code).toBe(3);
    await site.start();
    await site.untilState('agent_core', 'running');
    const finished = await until('the end of it', async () => (await site.events('experiment.finished'))[0]);
    expect(finished).toMatchObject({ outcome: 'aborted', why: 'the daemon ended meanwhile' });
    expect(await site.events('fault.undone')).toHaveLength(1);
  });
});
