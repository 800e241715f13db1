import { describe, expect, it } from 'vitest';
import { createSchedule } from '../../src/health/schedule.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('schedule', () => {
  it('runs everything in order of its due time with a single timer', async () => {
    const clock = new FakeClock();
    const schedule = createSchedule(clock);
    const ran: number[] = [];
    for (let n = 0; n < 1_000; n++) schedule.at((n * 7_919) % 1_000, () => ran.push((n * 7_919) % 1_000));
    expect(clock.pending).toBe(1);
    await clock.advance(1_000);
    expect(ran).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    expect(clock.pending).toBe(0);
  });

  it('does not run what was called off', async () => {
    const clock = new FakeClock();
    const schedule = createSchedule(clock);
    const ran: string[] = [];
    const cancel = schedule.at(10, () => ran.push('first'));
    schedule.at(20, () => ran.push('second'));
    cancel();
    await clock.advance(100);
    expect(ran).toEqual(['second']);
  });

  it('goes on after a run that throws', async () => {
    const clock = new FakeClock();
    const schedule = createSchedule(clock);
    const ran: string[] = [];
    schedule.at(10, () => {
      throw new Error('broken');
    });
    schedule.at(20, () => ran.push('second'));
    await expect(clock.advance(10)).rejects.toThrow('broken');
    await clock.advance(100);
    expect(ran).toEqual(['second']);
  });

  it('never runs early when a timer does', () => {
    let now = 0;
    const timers: (() => void)[] = [];
    const after = (_: number, run: () => void) => (timers.push(run), () => undefined);
    const schedule = createSchedule({ monotonic: () => now, after, every: () => () => undefined });
    let runs = 0;
    schedule.at(10.5, () => runs++);
    now = 10.4;
    timers.shift()?.();
    expect(runs).toBe(0);
    now = 11;
    timers.shift()?.();
    expect(runs).toBe(1);
  });

  it('runs together what may run early, at the due time of the first', async () => {
    const clock = new FakeClock();
    const schedule = createSchedule(clock);
    const ran: string[] = [];
    const at = (due: number, early: number) =>
      schedule.at(due, () => ran.push(`${due} at ${clock.monotonic()}`), early);
    at(100, 50);
    at(149, 50);
    at(151, 50);
    at(150, 0);
    await clock.advance(1_000);
    expect(ran).toEqual(['100 at 100', '149 at 100', '150 at 150', '151 at 150']);
  });

  it('runs what may run early when this process is awake anyway, and arms no timer for it', async () => {
    const clock = new FakeClock();
    const schedule = createSchedule(clock);
    const ran: string[] = [];
    const at = (due: number, early: number) =>
      schedule.at(due, () => ran.push(`${due} at ${clock.monotonic()}`), early);
    at(1_400, 500);
    at(1_700, 500);
    at(2_100, 200);
    await clock.advance(1_000);
    expect(ran).toEqual(['1400 at 1000']);
    await clock.advance(2_000);
    expect(ran.slice(1)).toEqual(['1700 at 1700', '2100 at 2000']);
    schedule.stop();
    expect(clock.pending).toBe(0);
  });

  it('does not wake up for what was called off', async () => {
    let timers = 0;
    const clock = new FakeClock();
    const after: typeof clock.after = (ms, run) => (timers++, clock.after(ms, run));
    const schedule = createSchedule({ monotonic: () => clock.monotonic(), after, every: () => () => undefined });
    for (let n = 0; n < 10; n++) {
      const cancel = schedule.at(50 + n, () => undefined);
      schedule.at(20, cancel);
    }
    await clock.advance(1_000);
    expect(timers).toBeLessThanOrEqual(2);
  });

  it('lets others have a turn while very many are due at once', async () => {
    const clock = new FakeClock();
    const schedule = createSchedule(clock);
    const order: string[] = [];
    // Each takes 3 ms.
    for (let n = 0; n < 10; n++)
      schedule.at(100, () => {
        order.push('check');
        clock.skip(3);
      });
    clock.after(100, () => order.push('other'));
    await clock.advance(1_000);
    expect(order.indexOf('other')).toBeLessThanOrEqual(3);
    expect(order.filter((one) => one === 'check')).toHaveLength(10);
  });
});
