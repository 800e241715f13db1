import { describe, expect, it } from 'vitest';
import { chooseTarget, unsteady } from '../../src/chaos/subject.ts';
import { down, subject } from './subjects.ts';

describe('the target of an experiment', () => {
  const critical = { priority: 'critical' } as const;

  it.each([
    { among: [subject('gmail', critical), subject('agent_core')], chosen: 'agent_core' },
    { among: [subject('gmail'), subject('brain', critical), subject('heart', critical)], chosen: 'brain' },
    { among: [subject('agent_core', { enabled: false }), subject('brain', critical)], chosen: 'brain' },
    { among: [subject('brain', { ...critical, enabled: false }), subject('gmail')], chosen: undefined },
    { among: [down('agent_core'), subject('brain', critical)], chosen: 'agent_core' },
    { among: [], chosen: undefined },
  ])('is $chosen', ({ among, chosen }) => {
    expect(chooseTarget(among, 'agent_core')?.component).toBe(chosen);
  });
});

describe('the steady state', () => {
  it('is running and healthy, nothing less', () => {
    expect(unsteady(subject('gmail'))).toBeUndefined();
  });

  it.each([
    [
      subject('gmail', { state: 'degraded', health: 'degraded' }),
      'gmail is not well before the fault: degraded, health degraded',
    ],
    [subject('gmail', { health: 'unhealthy' }), 'gmail is not well before the fault: running, health unhealthy'],
    [
      down('gmail', 'policy no_restart'),
      'gmail is not well before the fault: stopped (policy no_restart), health unhealthy',
    ],
    [{ ...down('gmail'), enabled: false }, 'gmail is not enabled'],
    [{ ...down('gmail'), held: true }, 'gmail is held down by a person'],
  ])('is missing in %j', (of, why) => {
    expect(unsteady(of)).toBe(why);
  });
});
