import { describe, expect, it } from 'vitest';
import { FeatureCommands } from '../../src/degradation/feature-commands.ts';
import { featuresOf, type Feature } from '../../src/degradation/features.ts';
import { degradationSchema } from '../../src/degradation/schema.ts';
import type { EventOf, RecoveryEvent } from '../../src/model/index.ts';
import { FakeClock } from '../support/fake-clock.ts';

const commands = { on_disable: { command: ['disable'] }, on_enable: { command: ['enable'] } };
const features = (given: Record<string, object>) => featuresOf(degradationSchema.parse({ features: given }), {});

/** Commands that end when the test says so, or are told to. */
function begin(given: Record<string, object>, past: readonly RecoveryEvent[] = []) {
  const all = features(given);
  const clock = new FakeClock();
  const events: RecoveryEvent[] = [];
  const running = new Map<string, () => void>();
  const ran: string[] = [];
  const it = new FeatureCommands({
    clock,
    past,
    emit: (...stated) => void events.push(...stated),
    mask: (text) => text,
    run: ([program], _timeoutMs, env, signal) => {
      const name = `${program} ${env['PARAMEDIC_FEATURE']}`;
      ran.push(name);
      return new Promise((resolve, reject) => {
        const end = (how: () => void) => (running.delete(name), how());
        running.set(name, () => end(() => resolve({ code: 0, stdout: '', stderr: '' })));
        signal.addEventListener('abort', () => end(() => reject(new Error('was ended by SIGTERM'))));
      });
    },
  });
  const end = async (name: string) => {
    running.get(name)!();
    await clock.advance(0);
  };
  const feature = (name: string): Feature => all.get(name)!;
  const settled = () => clock.advance(0);
  const outcomes = () =>
    events.flatMap((event) =>
      event.type === 'degradation.command_finished' ? [`${event.command} ${event.feature} ${event.outcome}`] : [],
    );
  return { it, all, ran, running, events, end, feature, settled, outcomes };
}

describe('of the commands of many features', () => {
  const priorities = ['low', 'medium', 'high', 'critical'] as const;
  const many = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`f${i}`, { ...commands, priority: priorities[i % 4] }]),
  );

  it('four run at a time, the most important first', async () => {
    const { it, all, ran, running, end, settled } = begin(many);
    for (const feature of all.values()) it.switched(feature, false, 'because');
    await settled();
    expect(ran).toEqual(['disable f3', 'disable f7', 'disable f11', 'disable f2']);
    await end('disable f7');
    expect([ran.at(-1), running.size]).toEqual(['disable f6', 4]);
    while (running.size > 0) await end([...running.keys()][0]!);
    expect(ran.map((one) => one.replace('disable f', ''))).toEqual('3 7 11 2 6 10 1 5 9 0 4 8'.split(' '));
  });

  it('one that waits and is not wanted any more is never run', async () => {
    const { it, ran, running, end, feature, all, settled } = begin(many);
    for (const one of all.values()) it.switched(one, false, 'because');
    await settled();
    it.switched(feature('f0'), true, null);
    it.switched(feature('f3'), true, null);
    while (running.size > 0) await end([...running.keys()][0]!);
    expect(ran).not.toContain('disable f0');
    expect(ran).not.toContain('enable f0');
    expect(ran.filter((one) => one.endsWith(' f3'))).toEqual(['disable f3', 'enable f3']);
  });

  it('those that have none wait for nobody', async () => {
    const { it, all, ran, settled } = begin({
      ...Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, {}])),
      f: commands,
    });
    for (const feature of all.values()) it.switched(feature, false, '');
    await settled();
    expect(ran).toEqual(['disable f']);
  });
});

describe('when the daemon is stopped', () => {
  it('what runs is ended and stated, and nothing begins any more', async () => {
    const { it, ran, feature, settled, outcomes } = begin({ speech: commands, mail: commands });
    it.switched(feature('speech'), false, 'because');
    await settled();
    it.switched(feature('mail'), false, 'because');
    it.switched(feature('speech'), true, null);
    await it.close();
    await settled();
    expect(ran).toEqual(['disable speech']);
    expect(outcomes()).toEqual(['on_disable speech cancelled']);
  });

  it('one that has done its work meanwhile has done it', async () => {
    const { it, running, feature, settled, outcomes } = begin({ speech: commands });
    it.switched(feature('speech'), false, 'because');
    await settled();
    running.get('disable speech')!();
    await it.close();
    expect(outcomes()).toEqual(['on_disable speech success']);
  });
});

describe('after the death of the daemon', () => {
  const at = new FakeClock().now();
  const switched = (enabled: boolean): RecoveryEvent => ({
    type: 'degradation.feature_changed',
    at,
    feature: 'speech',
    enabled,
    reason: enabled ? null : 'because',
    cause: null,
  });
  const ended = (command: 'on_disable' | 'on_enable', outcome: EventOf<'degradation.command_finished'>['outcome']) => ({
    type: 'degradation.command_finished' as const,
    at,
    feature: 'speech',
    command,
    outcome,
    why: '',
    output: '',
    durationMs: 1,
  });

  it.each<[string, RecoveryEvent[], string[]]>([
    ['was not run', [switched(false)], ['disable speech']],
    [
      'was not run, while that of before was',
      [switched(false), switched(true), ended('on_disable', 'success')],
      ['enable speech'],
    ],
    ['was ended by a daemon that stopped', [switched(false), ended('on_disable', 'cancelled')], ['disable speech']],
    ['was run', [switched(false), ended('on_disable', 'success'), switched(true), ended('on_enable', 'success')], []],
    ['has failed', [switched(false), ended('on_disable', 'failure')], []],
  ])('the command of the last switch is run when it %s', async (_, past, expected) => {
    const { it, all, ran, settled } = begin({ speech: commands }, past);
    await settled();
    expect(ran).toEqual([]);
    it.resume(all);
    await settled();
    expect(ran).toEqual(expected);
  });

  it('what was switched since counts, and what is not configured any more is nobody’s', async () => {
    const { it, all, ran, feature, settled } = begin({ speech: commands }, [switched(false)]);
    it.switched(feature('speech'), true, null);
    it.resume(all);
    await settled();
    expect(ran).toEqual(['enable speech']);
    const other = begin({ mail: commands }, [switched(false)]);
    other.it.resume(other.all);
    await other.settled();
    expect(other.ran).toEqual([]);
  });
});
