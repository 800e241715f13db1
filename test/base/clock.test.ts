import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { until } from '../support/temp.ts';

it('wakes once for all that happens every second, however far apart it began, and no more when all have gone', async () => {
  const beats: Record<string, number[]> = { first: [], second: [], seldom: [] };
  const begin = (name: string, ms: number) => {
    // One wake has one lateness for all.
    const cancel = systemClock.every(ms, (lateMs) => beats[name]?.push(lateMs));
    onTestFinished(cancel);
    return cancel;
  };
  const cancelFirst = begin('first', 1_000);
  await systemClock.sleep(30);
  begin('second', 1_000);
  begin('seldom', 3_000);
  const { first = [], second = [], seldom = [] } = beats;
  await until('a rare one', () => seldom.length > 0 && second.length > 0);
  expect(first.slice(-second.length)).toEqual(second);
  expect([...first, ...seldom].every((lateMs) => lateMs >= 0)).toBe(true);
  cancelFirst();
  const told = first.length;
  await until('another', () => second.length > told + 1);
  expect(first).toHaveLength(told);
});
