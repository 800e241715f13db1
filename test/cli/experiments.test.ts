import { describe, expect, it } from 'vitest';
import type { RunView } from '../../src/http/experiments.ts';
import { answer, paramedic, playDaemon, problem, type Route } from './support.ts';

const RUN = 'POST /experiments/agent_crash_recovery/run';
const passed = {
  run: 'EXP-20261123-120000-1A2B3C4D',
  experiment: 'agent_crash_recovery',
  component: 'agent_core',
  at: '2026-11-23T12:00:00.000Z',
  outcome: 'passed',
  why: 'all 2 checks passed',
  duration_seconds: 0.3,
  rto_seconds: 0.25,
  rpo_seconds: 0,
  checks: [
    { name: 'process_restarted', passed: true, essential: true, detail: 'verified healthy 250ms after the fault' },
    { name: 'state_recovered', passed: true, essential: false, detail: 'continues from the latest checkpoint' },
  ],
  incidents: [],
} as unknown as RunView;
const failed = { ...passed, outcome: 'failed', why: 'it stays down', rto_seconds: null, rpo_seconds: null } as RunView;

describe('test', () => {
  it('prints a verdict with its figures and ends with 0 when it passed', async () => {
    const folder = await playDaemon({ [RUN]: answer(passed) });
    expect(await paramedic(['test'], folder)).toEqual({
      code: 0,
      stderr: '',
      stdout: `agent_crash_recovery on agent_core: passed (all 2 checks passed)

CHECK              RESULT  DETAIL
process_restarted  passed  verified healthy 250ms after the fault
state_recovered    passed  continues from the latest checkpoint

RTO 250ms, RPO 0ms, took 300ms, EXP-20261123-120000-1A2B3C4D
`,
    });
  });

  it.each(['failed', 'partial', 'error', 'skipped', 'aborted', 'invalid'])(
    'ends with 1 when it is %s',
    async (outcome) => {
      const folder = await playDaemon({ [RUN]: answer({ ...failed, outcome, checks: [] }) });
      const { code, stdout } = await paramedic(['test'], folder);
      expect(code).toBe(1);
      expect(stdout).toBe(
        `agent_crash_recovery on agent_core: ${outcome} (it stays down)\nRTO not measured, RPO not measured, took 300ms, EXP-20261123-120000-1A2B3C4D\n`,
      );
    },
  );

  it('asks for what it is told to, and prints JSON on request', async () => {
    const bodies: string[] = [];
    const route: Route = (request, response) => {
      bodies.push(request.body);
      answer({ ...passed, incidents: ['a'.repeat(32)] })(request, response);
    };
    const folder = await playDaemon({ 'POST /experiments/other/run': route });
    const args = ['test', '--test-name', 'other', '--component', 'gmail'];
    const { code, stdout } = await paramedic([...args, '--json'], folder);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'passed', rto_seconds: 0.25 });
    expect(bodies.map((body) => JSON.parse(body) as unknown)).toEqual([{ component: 'gmail' }]);
    expect((await paramedic(args, folder)).stdout).toContain(`incident ${'a'.repeat(32)}`);
  });

  it('makes all that there are, one after the other, and passes only when each has', async () => {
    const folder = await playDaemon({
      'GET /experiments': answer({ experiments: [{ name: 'agent_crash_recovery' }, { name: 'other' }] }),
      [RUN]: answer(passed),
      'POST /experiments/other/run': answer(failed),
    });
    const { code, stdout } = await paramedic(['test', '--all', '--json'], folder);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([{ outcome: 'passed' }, { outcome: 'failed' }]);
  });

  it('says what is refused, and takes a name or all', async () => {
    const folder = await playDaemon({ [RUN]: problem(409, 'ACTION_REFUSED', 'one at a time') });
    expect(await paramedic(['test'], folder)).toMatchObject({ code: 1, stderr: 'one at a time\n' });
    expect(await paramedic(['test', '--all', '--test-name', 'x'], folder)).toMatchObject({ code: 2 });
    expect((await paramedic(['test', '--help'], folder)).stdout).toContain('agent_crash_recovery');
  });
});
