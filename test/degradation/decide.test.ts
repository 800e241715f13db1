import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atLevel, decide, wanted, type Condition, type Reading } from '../../src/degradation/decide.ts';
import { degradationSchema } from '../../src/degradation/schema.ts';
import { degradationLevels, type DegradationLevel } from '../../src/model/index.ts';

const policy = degradationSchema.parse({ recover_after: '60s' });
const quiet: Reading = { cpu: 0.1, memory: 0.3, errorRate: null, network: 'connected' };
/** A reading that asks for just this level. */
const asking: Readonly<Record<DegradationLevel, Reading>> = {
  full: quiet,
  reduced: { ...quiet, cpu: 0.6 },
  minimal: { ...quiet, memory: 0.8 },
  emergency: { ...quiet, errorRate: 0.3 },
  offline: { ...quiet, network: 'lost' },
};
const rank = (level: DegradationLevel) => degradationLevels.indexOf(level);

/** Reads these, 30 s between two. */
const read = (condition: Condition, readings: readonly Reading[], from = 0) => {
  let step = { condition, reason: null as string | null };
  readings.forEach((reading, i) => (step = decide(step.condition, reading, policy, from + i * 30_000)));
  return step;
};
const after = (level: DegradationLevel, ...asked: DegradationLevel[]) =>
  read(
    atLevel(level),
    asked.map((one) => asking[one]),
  ).condition.level;

describe('one reading', () => {
  it.each([
    [{ cpu: 0.59 }, 'full', ''],
    [{ cpu: 0.595 }, 'reduced', 'CPU at 60%, from 60% on'],
    [{ cpu: 0.7 }, 'minimal', 'CPU at 70%, from 70% on'],
    [{ cpu: 0.9 }, 'emergency', 'CPU at 90%, from 90% on'],
    [{ memory: 0.68 }, 'reduced', 'memory at 68%, from 68% on'],
    [{ memory: 0.94 }, 'minimal', 'memory at 94%, from 80% on'],
    [{ errorRate: 0.09 }, 'reduced', 'failed calls at 9%, from 9% on'],
    [{ errorRate: 1, cpu: 0.95 }, 'emergency', 'CPU at 95%, from 90% on, failed calls at 100%, from 30% on'],
    [{ network: 'lost', cpu: 1 }, 'offline', 'the network is lost'],
    [{ cpu: null, memory: null }, 'full', ''],
  ] as const)('with %j asks for %s', (part, level, reason) => {
    expect(wanted({ ...quiet, ...part }, policy.thresholds)).toEqual({ level, reason });
  });

  it('that tells nothing asks for nothing', () => {
    const nothing = { cpu: null, memory: null, errorRate: null, network: null };
    expect(wanted(nothing, policy.thresholds)).toBeNull();
    const strained = { level: 'full', strain: 'minimal', calm: null } as const;
    expect(decide(strained, nothing, policy, 0)).toEqual({ condition: strained, reason: null });
  });
});

describe('the level', () => {
  it.each([
    ['full', ['minimal'], 'full'],
    ['full', ['minimal', 'minimal'], 'minimal'],
    ['full', ['minimal', 'full', 'minimal'], 'full'],
    ['full', ['emergency', 'reduced'], 'reduced'],
    ['full', ['reduced', 'emergency'], 'reduced'],
    ['full', ['reduced', 'emergency', 'emergency'], 'emergency'],
    ['full', ['offline'], 'offline'],
    ['emergency', ['full', 'full'], 'emergency'],
    ['emergency', ['full', 'full', 'full'], 'full'],
    ['emergency', ['full', 'reduced', 'full'], 'reduced'],
    ['emergency', ['full', 'emergency', 'full', 'full'], 'emergency'],
    ['offline', ['full', 'full', 'full'], 'full'],
    ['minimal', ['full', 'emergency', 'full', 'full'], 'minimal'],
  ] as const)('%s with readings that ask for %j is %s', (level, asked, becomes) => {
    expect(after(level, ...asked)).toBe(becomes);
  });

  it('does not rise from offline while the network is failing, only once it has been there for a while', () => {
    const failing = { ...quiet, network: 'failing' } as const;
    const blind = { cpu: null, memory: null, errorRate: null, network: 'failing' } as const;
    for (const between of [failing, blind]) {
      expect(read(atLevel('offline'), [between, between, between, between]).condition.level).toBe('offline');
      expect(read(atLevel('offline'), [quiet, quiet, between, quiet, quiet]).condition.level).toBe('offline');
      expect(read(atLevel('offline'), [between, quiet, quiet, quiet]).condition.level).toBe('full');
      expect(read(atLevel('minimal'), [quiet, between, quiet]).condition.level).toBe('full');
    }
  });

  it('says why it is another', () => {
    expect(read(atLevel('full'), [asking.minimal, asking.minimal]).reason).toBe('memory at 80%, from 80% on');
    expect(read(atLevel('minimal'), [quiet, quiet, quiet]).reason).toBe(
      'for 1m all readings were below their thresholds',
    );
    expect(read(atLevel('emergency'), [quiet, asking.reduced, quiet]).reason).toBe(
      'for 1m no reading asked for more than reduced',
    );
  });

  const level = fc.constantFrom(...degradationLevels);
  const history = fc.array(fc.record({ asks: level, ms: fc.integer({ min: 1, max: 50_000 }) }), { maxLength: 40 });

  it('gets worse only when two readings in a row say so, and better only after recover_after', () => {
    fc.assert(
      fc.property(level, history, (first, steps) => {
        let condition = atLevel(first);
        let now = 0;
        let betterSince: number | null = null;
        let before: DegradationLevel | null = null;
        for (const { asks, ms } of steps) {
          now += ms;
          const was = condition.level;
          betterSince = rank(asks) < rank(was) ? (betterSince ?? now) : null;
          ({ condition } = decide(condition, asking[asks], policy, now));
          const is = condition.level;
          if (rank(is) > rank(was) && is !== 'offline') {
            expect(rank(is)).toBeLessThanOrEqual(rank(asks));
            expect(before === null ? -1 : rank(before)).toBeGreaterThanOrEqual(rank(is));
          }
          if (rank(is) < rank(was)) {
            expect(now - (betterSince ?? now)).toBeGreaterThanOrEqual(59_900);
            expect(rank(is)).toBeGreaterThanOrEqual(rank(asks));
            betterSince = null;
          }
          before = asks;
        }
      }),
    );
  });

  it('ends up where the readings stay', () => {
    fc.assert(
      fc.property(level, history, level, (first, steps, last) => {
        let condition = atLevel(first);
        let now = 0;
        for (const { asks, ms } of steps) ({ condition } = decide(condition, asking[asks], policy, (now += ms)));
        for (let i = 0; i < 8; i++) ({ condition } = decide(condition, asking[last], policy, (now += 30_000)));
        expect(condition).toEqual(atLevel(last));
      }),
    );
  });
});
