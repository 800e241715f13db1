import { describe, expect, it } from 'vitest';
import { HOST, type IncidentId, type RecoveryEvent } from '../../src/model/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { begin, components, standard, tts } from './begin.ts';

describe('the level of the machine', () => {
  it('follows two readings in a row, and comes back when all is well for a while', async () => {
    const { clock, degradation, events, found, levels } = begin();
    found.memory = 0.97;
    await clock.advance(30_000);
    expect(levels()).toEqual([]);
    await clock.advance(30_000);
    expect(events.find(({ type }) => type === 'degradation.level_changed')).toMatchObject({
      to: 'emergency',
      reason: 'memory at 97%, from 95% on',
    });
    found.memory = 0.2;
    await clock.advance(90_000);
    expect(levels()).toEqual(['full→emergency policy', 'emergency→full policy']);
    expect(degradation.status().reading).toEqual({ cpu: 0.1, memory: 0.2, errorRate: null, network: null });
  });

  it('goes offline at once when the network trips, and by no other check', () => {
    const { degradation, found } = begin();
    const trip = { type: 'check.tripped', at: new FakeClock().now(), component: HOST, check: 'net' } as RecoveryEvent;
    degradation.hear(trip);
    expect(degradation.standing().level).toBe('full');
    found.network = 'lost';
    degradation.hear(trip);
    expect(degradation.standing().level).toBe('offline');
  });

  it('counts the calls of the last minute that failed, when there were enough', async () => {
    const { clock, degradation, found } = begin({ text: { interval: '10s' } });
    found.cpu = found.memory = null;
    degradation.outcomes(Array.from({ length: 9 }, () => ({ ok: false })));
    await clock.advance(20_000);
    expect(degradation.standing().level).toBe('full');
    degradation.outcomes([{ ok: true }]);
    await clock.advance(20_000);
    expect(degradation.status()).toMatchObject({ level: 'emergency', reading: { errorRate: 0.9 } });
    await clock.advance(30_000);
    expect(degradation.status().reading?.errorRate).toBeNull();
  });

  it('is not read where nothing is said of it', async () => {
    const { clock, degradation, configure, found } = begin({ text: null });
    found.cpu = 1;
    expect(clock.pending).toBe(0);
    configure({ interval: '1s' });
    await clock.advance(2_000);
    expect(degradation.standing().level).toBe('emergency');
    configure(null);
    expect(degradation.status()).toMatchObject({ level: 'full', policyLevel: null });
    expect(clock.pending).toBe(0);
  });

  it('is told how long it lasts', async () => {
    const { clock, degradation, events } = begin({ text: null });
    await clock.advance(4_000);
    degradation.pin('reduced', 'manual', null);
    await clock.advance(1_000);
    degradation.account();
    const lasted = events.flatMap((event) =>
      event.type === 'degradation.lasted' ? [[event.level, event.durationMs]] : [],
    );
    expect(lasted).toEqual([
      ['full', 4_000],
      ['reduced', 1_000],
    ]);
  });
});

describe('recovery mode', () => {
  it('begins at minimal and rises when all has been well for a while', async () => {
    let well = false;
    const { clock, degradation, levels } = begin({ recoveryMode: true, allWell: () => well, text: null });
    const ready = { type: 'component.ready', component: tts } as RecoveryEvent;
    expect(degradation.standing().level).toBe('minimal');
    await clock.advance(3_600_000);
    well = true;
    degradation.hear(ready);
    await clock.advance(59_999);
    well = false;
    degradation.hear({ type: 'component.health_changed', component: tts } as RecoveryEvent);
    await clock.advance(60_000);
    expect(degradation.standing().level).toBe('minimal');
    well = true;
    degradation.hear(ready);
    await clock.advance(60_000);
    expect(levels()).toEqual(['full→minimal policy', 'minimal→full policy']);
  });

  it('is that of a restart of the whole system too', () => {
    const { degradation } = begin();
    degradation.hear({ type: 'system.restarting', at: new FakeClock().now(), cause: tts, why: '' });
    expect(degradation.status()).toMatchObject({
      level: 'minimal',
      reason: expect.stringMatching(/^recovery mode/) as string,
    });
  });
});

describe('a component that is given up', () => {
  const at = new FakeClock().now();
  const failed: RecoveryEvent = { type: 'component.failed', component: tts, at, rule: 'budget', why: 'used up' };
  const ready = { type: 'component.ready', component: tts, at } as RecoveryEvent;
  const held: RecoveryEvent = { type: 'component.held', component: tts, at, by: 'person' };
  const gives: RecoveryEvent = {
    type: 'restart.decided',
    component: tts,
    at,
    reason: 'health',
    by: 'supervisor',
    decision: { kind: 'fail', rule: 'budget', why: '' },
    counted: true,
  };
  const stays = (rule: string): RecoveryEvent => ({
    type: 'restart.decided',
    component: tts,
    at,
    reason: 'crash',
    by: 'supervisor',
    decision: { kind: 'stay', rule, why: '' },
    counted: true,
  });

  it('takes its features out first, in the same piece, under its incident', () => {
    const incident = 'f'.repeat(32) as IncidentId;
    const { degradation } = begin({ incidentOf: () => incident });
    expect(degradation.atStake(tts)).toEqual(['speech']);
    const [off, ...rest] = degradation.follow([failed]);
    expect(off).toMatchObject({
      type: 'degradation.feature_changed',
      feature: 'speech',
      enabled: false,
      reason: 'its component tts has failed',
      cause: tts,
      incident,
    });
    expect(rest).toEqual([failed]);
    expect(degradation.standing().features['speech']?.fallback).toMatchObject({ fallback: true, message: 'text only' });
    expect(degradation.atStake(tts)).toEqual([]);
  });

  it('brings them back when it is ready again, not when it is allowed to', () => {
    const { degradation } = begin();
    degradation.follow([failed]);
    const released: RecoveryEvent = { type: 'component.released', component: tts, at, by: 'person' };
    expect(degradation.follow([released])).toEqual([released]);
    expect(degradation.follow([ready])).toMatchObject([ready, { feature: 'speech', enabled: true, reason: null }]);
  });

  it.each([
    ['failed', [failed], false],
    ['given up, and its process still lives', [gives], false],
    ['stopped by a person', [held], false],
    ['not started again by its policy', [stays('no_restart')], false],
    ['done with what it had to do', [stays('exit_codes')], true],
    ['done after it had failed', [failed, stays('exit_codes')], true],
    ['no longer configured', [failed, { type: 'component.removed', component: tts, at } as RecoveryEvent], true],
  ])('because it is %s', (_, events, enabled) => {
    const { degradation } = begin();
    degradation.follow(events);
    expect(degradation.standing().features['speech']?.enabled).toBe(enabled);
  });

  it('was given up by an earlier daemon, or is disabled', () => {
    expect(begin({ goneBecause: () => 'has failed' }).degradation.standing().features['speech']).toMatchObject({
      reason: 'its component tts has failed',
    });
    const { degradation } = begin();
    degradation.configure({ components: { tts: { ...components.tts, enabled: false } } });
    expect(degradation.standing().features['speech']).toMatchObject({ reason: 'its component tts is disabled' });
    degradation.configure({ components });
    expect(degradation.standing().features['speech']?.enabled).toBe(false);
    degradation.follow([ready]);
    expect(degradation.standing().features['speech']?.enabled).toBe(true);
  });

  it('is stopped still when it is disabled and enabled again, and is otherwise waited for', () => {
    let why: string | null = 'was stopped';
    const { degradation } = begin({ goneBecause: () => why });
    const toggle = (enabled: boolean) => degradation.configure({ components: { tts: { ...components.tts, enabled } } });
    const reason = () => degradation.standing().features['speech']?.reason;
    toggle(false);
    expect(reason()).toBe('its component tts is disabled');
    toggle(true);
    expect(reason()).toBe('its component tts was stopped');
    toggle(false);
    why = null;
    toggle(true);
    expect(reason()).toBe('its component tts is not ready yet');
    degradation.follow([ready]);
    expect(reason()).toBeNull();
  });

  it('leaves the standing the same object as long as nothing changes', () => {
    const { degradation, configure } = begin();
    const before = degradation.standing();
    configure(standard);
    degradation.follow([ready]);
    expect(degradation.standing()).toBe(before);
  });
});

describe('the commands of a feature', () => {
  const text = (disable: string) => ({
    features: { speech: { priority: 'low', on_disable: { command: [disable] }, on_enable: { command: ['enable'] } } },
  });

  it('are run after it was switched, and what becomes of them is told', async () => {
    const { clock, degradation, events, ran } = begin({ text: text('false') });
    degradation.pin('reduced', 'manual', null);
    expect(ran).toEqual([]);
    await clock.advance(0);
    degradation.unpin('manual');
    await clock.advance(0);
    expect(ran).toEqual(['false speech', 'enable speech']);
    expect(events.filter(({ type }) => type === 'degradation.command_finished')).toMatchObject([
      { command: 'on_disable', outcome: 'failure', why: 'it ended with 1', output: 'said' },
      { command: 'on_enable', outcome: 'success', why: '' },
    ]);
  });

  it('come one after the other, and only as long as they are wanted', async () => {
    const done: (() => void)[] = [];
    const started: string[] = [];
    const run = (command: readonly string[]) => {
      started.push(command[0]!);
      const end = { code: 0, stdout: '', stderr: '' };
      return new Promise<typeof end>((resolve) => done.push(() => resolve(end)));
    };
    const { clock, degradation } = begin({ text: text('disable'), run });
    degradation.pin('reduced', 'manual', null);
    await clock.advance(0);
    degradation.unpin('manual');
    degradation.pin('reduced', 'manual', null);
    degradation.unpin('manual');
    await clock.advance(0);
    expect(started).toEqual(['disable']);
    done[0]!();
    await clock.advance(0);
    done[1]!();
    await clock.advance(0);
    expect(started).toEqual(['disable', 'enable']);
    degradation.pin('reduced', 'manual', null);
    degradation.unpin('manual');
    await clock.advance(0);
    expect(started).toEqual(['disable', 'enable']);
  });

  it('undo what was done when a feature that is off is no longer configured', async () => {
    const { speech: music } = text('disable').features;
    const { clock, degradation, configure, ran, switched } = begin({ text: { features: { music } } });
    degradation.pin('reduced', 'manual', null);
    await clock.advance(0);
    configure({ features: { tunes: music } });
    await clock.advance(0);
    expect(switched()).toEqual(['-music', '-speech', '+music', '-tunes']);
    expect(ran).toEqual(['disable music', 'enable music', 'disable tunes']);
  });

  it('that cannot be run hold up nobody', async () => {
    const run = () => Promise.reject(new Error('"nobody" could not be started'));
    const { clock, degradation, events } = begin({ text: text('nobody'), run });
    degradation.pin('reduced', 'manual', null);
    await clock.advance(0);
    expect(degradation.standing().features['speech']?.enabled).toBe(false);
    expect(events.at(-1)).toMatchObject({ outcome: 'failure', why: '"nobody" could not be started' });
  });
});
