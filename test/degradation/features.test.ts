import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { featuresOf, standings, type Provider } from '../../src/degradation/features.ts';
import { degradationSchema } from '../../src/degradation/schema.ts';
import { componentName, degradationLevels, priorities, type DegradationLevel } from '../../src/model/index.ts';

const features = (text: Record<string, unknown>, components: Record<string, Provider> = {}) =>
  featuresOf(degradationSchema.parse({ features: text }), components);
const on = (all: ReturnType<typeof features>, level: DegradationLevel, gone: Record<string, string> = {}) => {
  const known = new Map(Object.entries(gone).map(([name, why]) => [componentName(name), why]));
  return Object.entries(standings(all, level, known)).flatMap(([name, { enabled }]) => (enabled ? [name] : []));
};

const roster = features({
  heartbeat: { priority: 'critical' },
  mail: { priority: 'critical', depends_on: ['network'] },
  outbox: { priority: 'critical', depends_on: ['mail'] },
  cron: { priority: 'high' },
  browser: { depends_on: ['network'] },
  tts: { priority: 'low' },
});

describe('the level', () => {
  it.each([
    ['full', ['heartbeat', 'mail', 'outbox', 'cron', 'browser', 'tts']],
    ['reduced', ['heartbeat', 'mail', 'outbox', 'cron', 'browser']],
    ['minimal', ['heartbeat', 'mail', 'outbox', 'cron']],
    ['emergency', ['heartbeat', 'mail', 'outbox']],
    ['offline', ['heartbeat']],
  ] as const)('%s leaves %j', (level, names) => {
    expect(on(roster, level)).toEqual(names);
  });

  it('is named by whoever is off because of it', () => {
    expect(standings(roster, 'offline', new Map())).toMatchObject({
      tts: { enabled: false, reason: 'the level is offline, and its priority low' },
      mail: { reason: 'it needs the network, and the level is offline' },
      outbox: { reason: 'it depends on mail, which is off' },
      heartbeat: { enabled: true, reason: null, fallback: null },
    });
  });
});

describe('a component that is gone', () => {
  const all = features(
    { planning: {}, writing: { depends_on: ['planning'] }, gmail: { depends_on: ['gmail'] }, tts: {} },
    {
      planner: { priority: 'high', features: ['planning'] },
      gmail: { priority: 'low', features: [] },
      voice: { priority: 'low', features: ['speech', 'tts'] },
      core: { priority: 'critical', features: ['speech'] },
    },
  );

  it.each([
    ['planner', ['gmail', 'tts', 'speech']],
    ['gmail', ['planning', 'writing', 'tts', 'speech']],
    ['voice', ['planning', 'writing', 'gmail']],
    ['stranger', ['planning', 'writing', 'gmail', 'tts', 'speech']],
  ])('%s leaves %j', (name, names) => {
    expect(on(all, 'full', { [name]: 'has failed' })).toEqual(names);
  });

  it('is named by what it takes along', () => {
    expect(standings(all, 'full', new Map([[componentName('planner'), 'was stopped']]))).toMatchObject({
      planning: { reason: 'its component planner was stopped' },
      writing: { reason: 'it depends on planning, which is off' },
    });
    expect(standings(all, 'full', new Map([[componentName('gmail'), 'has failed']]))).toMatchObject({
      gmail: { reason: 'it depends on gmail, which has failed' },
    });
  });

  it('gives what only components name the priority of the most important of them', () => {
    expect(all.get('speech')).toMatchObject({ priority: 'critical', components: ['voice', 'core'], dependsOn: [] });
    expect(all.get('tts')).toMatchObject({ priority: 'medium', components: ['voice'] });
  });
});

describe('what answers in its place', () => {
  it.each([
    [undefined, {}],
    [{ message: 'text only' }, { message: 'text only' }],
    [{ value: [] }, { value: [] }],
    [
      { error: 'Email service temporarily unavailable', queued: true },
      { error: 'Email service temporarily unavailable', queued: true },
    ],
  ])('with a fallback %j of its own', (fallback, fields) => {
    const all = features({ mail: fallback === undefined ? {} : { fallback } });
    expect(standings(all, 'emergency', new Map())['mail']?.fallback).toEqual({
      success: false,
      error: 'mail temporarily unavailable',
      fallback: true,
      ...fields,
    });
  });
});

describe('of any configuration', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  /** Each may depend on those before it, so that there are no cycles. */
  const any = fc
    .tuple(
      ...names.map((_, i) =>
        fc.record({
          priority: fc.constantFrom(...priorities),
          depends_on: fc.subarray([...names.slice(0, i), 'network', 'x', 'y']),
        }),
      ),
      fc.record({ x: fc.subarray(names), y: fc.subarray(names) }),
    )
    .map((parts) => {
      const [provided, ...own] = parts.toReversed() as [Record<'x' | 'y', string[]>, ...object[]];
      const text = Object.fromEntries(own.toReversed().map((feature, i) => [names[i]!, feature]));
      const provider = (list: string[]): Provider => ({ priority: 'medium', features: list });
      return features(text, { x: provider(provided.x), y: provider(provided.y) });
    });
  const level = fc.constantFrom(...degradationLevels);
  const lost = fc.subarray(['x', 'y']).map((list) => Object.fromEntries(list.map((name) => [name, 'has failed'])));

  it('nothing is on that leans on what is off', () => {
    fc.assert(
      fc.property(any, level, lost, (all, at, gone) => {
        const left = on(all, at, gone);
        for (const name of left) {
          const { dependsOn, components } = all.get(name)!;
          for (const other of dependsOn) {
            if (all.has(other)) expect(left).toContain(other);
            expect(Object.keys(gone)).not.toContain(other);
            if (other === 'network') expect(at).not.toBe('offline');
          }
          for (const component of components) expect(Object.keys(gone)).not.toContain(component);
        }
      }),
    );
  });

  it('a worse level, or one component less, never leaves more', () => {
    fc.assert(
      fc.property(any, level, level, lost, (all, one, other, gone) => {
        const [better, worse] = [one, other].toSorted(
          (a, b) => degradationLevels.indexOf(a) - degradationLevels.indexOf(b),
        );
        expect(on(all, better!)).toEqual(expect.arrayContaining(on(all, worse!, gone)));
      }),
    );
  });

  it('what is off says why, and what answers', () => {
    fc.assert(
      fc.property(any, level, lost, (all, at, gone) => {
        const known = new Map(Object.entries(gone).map(([name, why]) => [componentName(name), why]));
        for (const { enabled, reason, fallback } of Object.values(standings(all, at, known)))
          expect([reason === null, fallback === null]).toEqual([enabled, enabled]);
      }),
    );
  });
});
