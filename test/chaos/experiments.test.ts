import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { componentName, epochMs, type ExperimentRunId, type RecoveryEvent } from '../../src/model/index.ts';
import { FakePorts } from './fake-ports.ts';
import { down, subject } from './subjects.ts';

/** The fault is made, and time has come to the first thing that is waited for. */
async function begin(house: FakePorts, options: { component?: string; timeoutMs?: number } = {}) {
  const experiments = house.create();
  const verdict = experiments.run('agent_crash_recovery', options);
  verdict.catch(() => undefined);
  await house.clock.advance(0);
  return { experiments, verdict };
}

describe('an experiment on a component that heals', () => {
  it('passes, with RTO and RPO as measured', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    expect(house.of('experiment.started')).toHaveLength(1);
    expect(house.of('fault.injected')).toMatchObject([{ component: 'agent_core', fault: 'kill', pid: 11 }]);
    await house.clock.advance(400);
    house.begins();
    house.asks({ dataLossMs: 1_500 });
    await house.clock.advance(600);
    house.comesBack();

    expect(await verdict).toMatchObject({ outcome: 'passed', rtoMs: 1_000, rpoMs: 1_500, durationMs: 1_000 });
    expect(house.of('fault.undone')).toEqual([]);
    expect(house.of('experiment.finished')).toEqual([await verdict]);
    expect(house.listeners.size).toBe(0);
    expect(house.clock.pending).toBe(0);
  });

  it('waits a while for one that asks for its state after it is ready', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    house.begins();
    house.comesBack();
    await house.clock.advance(9_000);
    house.asks();

    expect(await verdict).toMatchObject({ outcome: 'passed', rtoMs: 0, rpoMs: 0 });
  });

  it('does not wait for a state that it never had', async () => {
    const house = new FakePorts();
    house.hadState = false;
    const { verdict } = await begin(house);
    house.begins();
    house.comesBack();

    expect(await verdict).toMatchObject({ outcome: 'passed', rpoMs: null, durationMs: 0 });
  });

  it('waits for the others that went down with it', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    house.begins();
    house.asks();
    house.set(subject('gmail', { state: 'starting' }));
    house.comesBack();
    await house.clock.advance(5_000);
    house.set(subject('gmail'));
    house.happens('component.ready', { component: 'gmail', incarnation: 'x' as never, startupMs: 1, checks: [] });

    expect(await verdict).toMatchObject({ outcome: 'passed', rtoMs: 0, durationMs: 5_000 });
  });

  it('names the incidents that the fault led to, once each', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    house.happens('component.held', { component: 'gmail', by: 'person', incident: 'of another' });
    house.happens('restart.finished', { reason: 'crash', outcome: 'success', durationMs: 1, incident: 'a'.repeat(32) });
    house.begins();
    house.asks({ incident: 'a'.repeat(32) } as object);
    house.comesBack();

    expect(await verdict).toMatchObject({ outcome: 'passed', incidents: ['a'.repeat(32)] });
  });

  it('counts the state of the life that came up, and the time of all its attempts', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    house.begins();
    house.asks({ dataLossMs: 9_000 });
    await house.clock.advance(2_000);
    house.begins();
    house.asks({ dataLossMs: 100 });
    house.comesBack();

    expect(await verdict).toMatchObject({ outcome: 'passed', rtoMs: 2_000, rpoMs: 100 });
  });
});

describe('an experiment on a component that does not heal', () => {
  it('fails as soon as it is decided to leave it down, and undoes its fault', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    await house.clock.advance(20);
    const decision = { kind: 'stay', rule: 'no_restart', why: 'policy no_restart' } as const;
    house.happens('restart.decided', { reason: 'crash', by: 'supervisor', decision, counted: true });

    const finished = await verdict;
    expect(finished).toMatchObject({ outcome: 'failed', rtoMs: null, rpoMs: null, durationMs: 20 });
    expect(finished.why).toContain('it stays down: policy no_restart');
    expect(house.starts).toEqual(['agent_core']);
    expect(house.events.slice(-2)).toMatchObject([
      { type: 'fault.undone', how: 'undone: agent_core is ready' },
      { type: 'experiment.finished' },
    ]);
  });

  it('fails when it is given up', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    house.happens('component.failed', { rule: 'budget', why: 'the budget is used up' });

    expect(await verdict).toMatchObject({ outcome: 'failed' });
    expect((await verdict).why).toContain('given up: the budget is used up');
  });

  it('fails when the time is up', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    await house.clock.advance(119_999);
    expect(house.of('experiment.finished')).toEqual([]);
    await house.clock.advance(1);

    expect(await verdict).toMatchObject({ outcome: 'failed', durationMs: 120_000 });
    expect((await verdict).why).toContain('not verified healthy within 2m');
  });

  it('takes the time that it is given', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house, { timeoutMs: 5_000 });
    await house.clock.advance(5_000);
    expect(await verdict).toMatchObject({ outcome: 'failed', durationMs: 5_000 });
  });

  it('says so when even the undo fails', async () => {
    const house = new FakePorts();
    house.startFails = new Error('it ended before it was ready');
    const { verdict } = await begin(house, { timeoutMs: 10 });
    await house.clock.advance(10);

    expect((await verdict).why).toContain('agent_core could not be started again: it ended before it was ready');
    expect(house.of('fault.undone')).toEqual([]);
  });

  it('starts again who else was left down, but nobody whom a person holds', async () => {
    const house = new FakePorts(subject('agent_core'), subject('gmail'), subject('tts'));
    const { verdict } = await begin(house);
    house.begins();
    house.asks();
    house.set({ ...down('gmail'), state: 'failed' }, { ...down('tts'), state: 'failed', held: true });
    house.comesBack();

    expect(await verdict).toMatchObject({ outcome: 'partial' });
    expect(house.of('fault.undone')).toMatchObject([{ component: 'gmail', how: 'started again: gmail is ready' }]);
    expect(house.starts).toEqual(['gmail']);
  });
});

describe('an experiment on a component that loses its state', () => {
  it('has not passed when its new life never asks for it', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    house.begins();
    house.comesBack();
    await house.clock.advance(10_000);

    expect(await verdict).toMatchObject({ outcome: 'partial', rtoMs: 0, rpoMs: null, durationMs: 10_000 });
    expect((await verdict).why).toContain('has not asked for it');
  });

  it('has not passed when it cannot be given back', async () => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    house.asks({ dataLossMs: 7 });
    house.begins();
    house.asks({ source: 'none', outcome: 'failure' });
    house.comesBack();

    expect(await verdict).toMatchObject({ outcome: 'partial', rpoMs: null });
  });
});

describe('an experiment without a steady state', () => {
  it('is skipped, touches nobody, and is no run', async () => {
    const house = new FakePorts(subject('agent_core', { state: 'degraded', health: 'degraded' }));
    const { experiments, verdict } = await begin(house);

    expect(await verdict).toMatchObject({ outcome: 'skipped', checks: [] });
    expect((await verdict).why).toBe('agent_core is not well before the fault: degraded, health degraded');
    expect(house.events.map(({ type }) => type)).toEqual(['experiment.finished']);
    expect(experiments.list()).toMatchObject([{ active: false, lastRun: null }]);
  });

  it('is invalid when the process has gone before the fault', async () => {
    const house = new FakePorts();
    house.pidIsOurs = false;
    const { verdict } = await begin(house);

    expect(await verdict).toMatchObject({
      outcome: 'invalid',
      why: 'pid 11 had gone before the fault: nobody was hit',
    });
    expect(house.of('fault.injected')).toEqual([]);
    expect(house.starts).toEqual([]);
  });

  it('is an error when the fault cannot be made', async () => {
    const house = new FakePorts();
    house.faultFails = new Error('kill EPERM');
    const { verdict } = await begin(house);
    expect(await verdict).toMatchObject({ outcome: 'error', why: 'kill EPERM' });
    expect(house.listeners.size).toBe(0);
  });
});

describe('an experiment that somebody interferes with', () => {
  it.each([
    ['a person stopped it meanwhile', (house: FakePorts) => house.happens('component.held', { by: 'person' })],
    [
      'somebody started it by hand meanwhile',
      (house: FakePorts) =>
        house.happens('component.starting', { incarnation: 'x' as never, reason: 'manual', attempt: 0 }),
    ],
    [
      'its configuration was changed meanwhile',
      (house: FakePorts) =>
        house.tell({
          type: 'config.reloaded',
          at: house.clock.now(),
          added: [],
          removed: [],
          changed: ['agent_core'],
          daemonRestartNeeded: [],
        }),
    ],
  ])('is aborted: %s', async (why, interfere) => {
    const house = new FakePorts();
    const { verdict } = await begin(house);
    interfere(house);
    expect(await verdict).toMatchObject({ outcome: 'aborted', why, checks: [] });
  });

  it('is aborted when the daemon stops, and starts nobody then', async () => {
    const house = new FakePorts();
    const { experiments, verdict } = await begin(house);
    experiments.stop();

    expect(await verdict).toMatchObject({ outcome: 'aborted', why: 'the daemon was stopped meanwhile' });
    expect(house.starts).toEqual([]);
    expect(house.clock.pending).toBe(0);
  });
});

describe('an experiment whose undo is under way when the daemon stops', () => {
  it('is aborted too, so that the next daemon looks after it', async () => {
    const house = new FakePorts();
    house.startFails = new Error('it was asked to stop');
    const { experiments, verdict } = await begin(house);
    house.whenStarted = () => experiments.stop();
    house.happens('component.failed', { rule: 'budget', why: 'the budget is used up' });

    expect(await verdict).toMatchObject({ outcome: 'aborted', why: 'the daemon was stopped meanwhile' });
  });
});

describe('experiments', () => {
  it('run one at a time', async () => {
    const house = new FakePorts();
    const { experiments, verdict } = await begin(house);
    expect(experiments.list()).toMatchObject([{ active: true }]);
    await expect(experiments.run('agent_crash_recovery', { component: 'gmail' })).rejects.toMatchObject({
      code: 'ACTION_REFUSED',
      message: expect.stringMatching(/^agent_crash_recovery of "gmail" refused: .* runs on agent_core/) as string,
    });
    house.begins();
    house.asks();
    house.comesBack();
    const finished = await verdict;

    expect(experiments.list()).toMatchObject([{ active: false, lastRun: finished }]);
    expect(house.of('experiment.finished')).toHaveLength(1);
    const again = experiments.run('agent_crash_recovery');
    await house.clock.advance(120_000);
    expect(await again).toMatchObject({ outcome: 'failed' });
  });

  it('refuse what cannot be', async () => {
    const house = new FakePorts(subject('gmail'));
    const { run } = house.create();
    await expect(run('nothing')).rejects.toMatchObject({ code: 'EXPERIMENT_NOT_FOUND' });
    await expect(run('agent_crash_recovery', { component: 'nobody' })).rejects.toMatchObject({
      code: 'COMPONENT_NOT_FOUND',
    });
    await expect(run('agent_crash_recovery')).rejects.toThrow(/"agent_core" refused: .*none of priority critical/);
    house.refusal = failure('SHUTTING_DOWN', undefined);
    await expect(run('agent_crash_recovery', { component: 'gmail' })).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect(house.events).toEqual([]);
  });
});

describe('the daemon after one that ended in the middle of an experiment', () => {
  const at = epochMs(0);
  const run = 'EXP-1' as ExperimentRunId;
  const about = { component: componentName('agent_core'), at, run };
  const booted: RecoveryEvent = { type: 'daemon.started', at, pid: 1, version: '0', recoveryMode: false };
  const started: RecoveryEvent = { type: 'experiment.started', ...about, experiment: 'agent_crash_recovery' };
  const finished = (outcome: 'aborted' | 'failed' | 'passed', why = '', id = run): RecoveryEvent => ({
    type: 'experiment.finished',
    ...about,
    run: id,
    experiment: 'agent_crash_recovery',
    outcome,
    why,
    durationMs: 1,
    rtoMs: null,
    rpoMs: null,
    checks: [],
    incidents: [],
  });
  const stopped = finished('aborted', 'the daemon was stopped meanwhile');

  it.each([
    { when: 'it died', past: [booted, started], starts: ['agent_core'], said: ['fault.undone', 'experiment.finished'] },
    {
      when: 'it was stopped',
      past: [booted, started, stopped],
      starts: ['agent_core'],
      said: ['fault.undone'],
    },
    { when: 'there was a verdict', past: [booted, started, finished('failed')], starts: [], said: [] },
    {
      when: 'a person had interfered',
      past: [booted, started, finished('aborted', 'a person stopped it')],
      starts: [],
      said: [],
    },
    { when: 'it was another daemon, earlier', past: [booted, started, stopped, booted], starts: [], said: [] },
    { when: 'nothing had begun', past: [booted], starts: [], said: [] },
  ])('puts right what its fault has left, when $when: $starts', async ({ past, starts, said }) => {
    const house = new FakePorts(down('agent_core'), subject('gmail'));
    house.past = past;
    await house.create().resume();

    expect(house.starts).toEqual(starts);
    expect(house.events.map(({ type }) => type).toSorted()).toEqual(said.toSorted());
  });

  it('only says so when the component is up, and remembers the last run', async () => {
    const house = new FakePorts();
    house.past = [booted, finished('passed', '', 'EXP-0' as ExperimentRunId), started];
    const experiments = house.create();
    expect(experiments.list()).toMatchObject([{ lastRun: { outcome: 'passed' } }]);
    await experiments.resume();

    expect(house.events).toMatchObject([
      { type: 'experiment.finished', run, outcome: 'aborted', why: 'the daemon ended meanwhile' },
    ]);
    expect(experiments.list()).toMatchObject([{ lastRun: { outcome: 'aborted' } }]);
  });
});
