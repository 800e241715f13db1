import { describe, expect, it } from 'vitest';
import { agentCrashRecovery } from '../../src/chaos/experiments/agent-crash-recovery.ts';
import { judge } from '../../src/chaos/verdict.ts';
import { down, observation, subject } from './subjects.ts';

const verdict = (fields: Parameters<typeof observation>[0]) => judge(agentCrashRecovery.checks, observation(fields));
const missed = (fields: Parameters<typeof observation>[0]) =>
  verdict(fields)
    .checks.filter(({ passed }) => !passed)
    .map(({ name }) => name);

const restored = { source: 'latest', outcome: 'success', entriesReplayed: 0, dataLossMs: 0 } as const;
const dead = { rtoMs: null, restored: null, after: [down('agent_core', 'policy no_restart'), subject('gmail')] };

describe('the verdict of agent_crash_recovery', () => {
  it.each([
    { when: 'all comes back in time', given: {}, outcome: 'passed', missing: [] },
    {
      when: 'nothing had been saved, and nothing was asked for',
      given: { hadState: false, restored: null },
      outcome: 'passed',
      missing: [],
    },
    {
      when: 'it is degraded but serves',
      given: { after: [subject('agent_core', { state: 'degraded' as const }), subject('gmail')] },
      outcome: 'passed',
      missing: [],
    },
    {
      when: 'RTO and RPO are just what is allowed',
      given: { rtoMs: 30_000, restored: { ...restored, dataLossMs: 5_000 } },
      outcome: 'passed',
      missing: [],
    },
    { when: 'it takes too long', given: { rtoMs: 30_001 }, outcome: 'partial', missing: ['rto_within_objective'] },
    {
      when: 'too much is lost',
      given: { restored: { ...restored, dataLossMs: 5_001 } },
      outcome: 'partial',
      missing: ['rpo_within_objective'],
    },
    {
      when: 'its state cannot be given back',
      given: { restored: { ...restored, source: 'none' as const, outcome: 'failure' as const } },
      outcome: 'partial',
      missing: ['state_recovered', 'rpo_within_objective'],
    },
    {
      when: 'its new life never asks for its state',
      given: { restored: null },
      outcome: 'partial',
      missing: ['state_recovered', 'rpo_within_objective'],
    },
    {
      when: 'somebody else does not come back',
      given: { after: [subject('agent_core'), down('gmail')] },
      outcome: 'partial',
      missing: ['services_running'],
    },
    {
      when: 'somebody else is gone altogether',
      given: { after: [subject('agent_core')] },
      outcome: 'partial',
      missing: ['services_running'],
    },
    {
      when: 'it comes back and falls again',
      given: { after: [down('agent_core'), subject('gmail')] },
      outcome: 'failed',
      missing: ['process_restarted', 'services_running'],
    },
    {
      when: 'it does not come back',
      given: dead,
      outcome: 'failed',
      missing: [
        'process_restarted',
        'state_recovered',
        'services_running',
        'rto_within_objective',
        'rpo_within_objective',
      ],
    },
    {
      when: 'it does not come back, and had nothing to remember',
      given: { ...dead, hadState: false },
      outcome: 'failed',
      missing: ['process_restarted', 'services_running', 'rto_within_objective'],
    },
  ])('when $when: $outcome', ({ given, outcome, missing }) => {
    expect(verdict(given).outcome).toBe(outcome);
    expect(missed(given)).toEqual(missing);
  });

  it('says of everything how it came out', () => {
    expect(verdict({}).why).toBe('all 5 checks passed');
    expect(verdict({}).checks.map(({ detail }) => detail)).toEqual([
      'verified healthy 1s after the fault, as pid 11',
      'continues from the latest checkpoint, 3 journal entries replayed',
      '2 of 2 that were up are up again',
      '1s, the objective is 30s',
      '0ms, the objective is 5s',
    ]);
  });

  it('says why it is not passed', () => {
    expect(verdict({ ...dead, hadState: false, gaveUp: 'it stays down: policy no_restart' }).why).toBe(
      'process_restarted: it stays down: policy no_restart; services_running: agent_core is stopped (policy no_restart); rto_within_objective: not measured: it was never verified healthy',
    );
    expect(verdict(dead).why).toContain('not verified healthy within 2m, it is stopped (policy no_restart)');
  });
});

describe('a verdict', () => {
  const saying = (passed: boolean, essential = false) => ({
    name: 'x',
    essential,
    judge: () => ({ passed, detail: '' }),
  });

  it.each([
    { checks: [], outcome: 'invalid' },
    { checks: [{ ...saying(true), judge: () => null }], outcome: 'invalid' },
    { checks: [saying(true)], outcome: 'passed' },
    { checks: [saying(true), saying(false)], outcome: 'partial' },
    { checks: [saying(true), saying(false, true)], outcome: 'failed' },
    { checks: [saying(false), saying(false)], outcome: 'failed' },
  ])('is $outcome', ({ checks, outcome }) => {
    expect(judge(checks, observation())).toMatchObject({ outcome });
  });
});
