import { describe, expect, it, onTestFinished } from 'vitest';
import { createPulse, systemClock } from '../../src/clock.ts';
import { until } from '../support/temp.ts';

/** A pulse whose timers fire when the test says so, at the time that it says. */
function pulseForTest() {
  const timers: { ms: number; run: () => void }[] = [];
  let now = 300;
  const every = createPulse(
    () => now,
    (ms, run) => {
      const timer = { ms, run };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  );
  const fireAt = (ms: number) => {
    now = ms;
    timers.shift()?.run();
  };
  return { every, fireAt, timers };
}

describe('what happens every so many seconds', () => {
  it('is told once for each second, also when a timer comes a little early', () => {
    const { every, fireAt, timers } = pulseForTest();
    const late: number[] = [];
    every(1_000, (ms) => late.push(ms));
    expect(timers[0]?.ms).toBe(700);
    fireAt(999.5);
    expect(timers.map(({ ms }) => ms)).toEqual([1_001]);
    fireAt(2_000.4);
    fireAt(3_250);
    expect(late.map(Math.round)).toEqual([0, 0, 250]);
  });

  it('comes late rather than never when nothing could run in its second', () => {
    const { every, fireAt } = pulseForTest();
    const seldom: number[] = [];
    every(5_000, (ms) => seldom.push(ms));
    for (const at of [1_000, 2_000, 3_000, 4_000]) fireAt(at);
    expect(seldom).toEqual([]);
    fireAt(6_300);
    expect(seldom).toEqual([1_300]);
    for (const at of [7_000, 8_000, 9_000]) fireAt(at);
    expect(seldom).toHaveLength(1);
    fireAt(10_000);
    expect(seldom).toHaveLength(2);
  });

  it('ends with the last that was asked for, and begins anew', () => {
    const { every, fireAt, timers } = pulseForTest();
    const ran: string[] = [];
    const [endFirst, endSecond] = [every(1_000, () => ran.push('first')), every(1_000, () => ran.push('second'))];
    fireAt(1_000);
    endFirst();
    fireAt(2_000);
    endSecond();
    expect([ran, timers]).toEqual([['first', 'second', 'second'], []]);
    fireAt(60_000);
    every(1_000, () => ran.push('third'));
    expect(timers.map(({ ms }) => ms)).toEqual([1_000]);
  });

  it('wakes once for all, however far apart they began', async () => {
    const lates: Record<string, number[]> = { first: [], second: [] };
    const begin = (name: string) => onTestFinished(systemClock.every(1_000, (lateMs) => lates[name]?.push(lateMs)));
    begin('first');
    await systemClock.sleep(30);
    begin('second');
    const { first = [], second = [] } = lates;
    await until('two beats', () => second.length > 1);
    // One wake has one lateness for all.
    expect(first.slice(-second.length)).toEqual(second);
    expect(first.every((lateMs) => lateMs >= 0)).toBe(true);
  });
});
