import { describe, expect, it } from 'vitest';
import { ping } from '../../../src/health/checks/ping.ts';
import { createPings, pingOf } from '../../../src/health/index.ts';
import { componentName, epochMs, type EventOf } from '../../../src/model/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { context } from '../context.ts';

const TOKEN = 'nobody-can-guess-me';
const HOUR = 3_600_000;
const options = ping.options.parse({ token: TOKEN, period: '24h', grace: '2h' });

/** Pings by how many hours ago they came. */
function after(...told: [hoursAgo: number, signal: 'start' | 'end', exitCode?: number | null][]) {
  const clock = new FakeClock();
  const events = told.map(([hours, signal, exitCode = signal === 'end' ? 0 : null]): EventOf<'ping.received'> => ({
    type: 'ping.received',
    at: epochMs(clock.now() - hours * HOUR),
    component: componentName('worker'),
    check: 'backup',
    ping: pingOf(TOKEN),
    signal,
    exitCode,
  }));
  const { of } = createPings(events);
  return ping.run(options, context({ clock }, { ping: of }));
}

describe('ping check', () => {
  it.each([
    { pings: [[1, 'end']], status: 'healthy', says: 'the last run ended 1h ago' },
    { pings: [[25, 'end']], status: 'degraded', says: 'late' },
    { pings: [[27, 'end']], status: 'unhealthy', says: 'ended 1d 3h ago' },
    {
      pings: [
        [27, 'end'],
        [1, 'end'],
      ],
      status: 'healthy',
      says: 'ended 1h ago',
    },
    { pings: [[1, 'end', 3]], status: 'unhealthy', says: 'failed with exit code 3, 1h ago' },
    { pings: [[1, 'end', null]], status: 'unhealthy', says: 'the last run failed, 1h ago' },
    {
      pings: [
        [25, 'end', 1],
        [1, 'end'],
      ],
      status: 'healthy',
      says: '',
    },
    { pings: [[1, 'start']], status: 'unknown', says: 'under way' },
    { pings: [[3, 'start']], status: 'unhealthy', says: 'began 3h ago' },
    {
      pings: [
        [23, 'end'],
        [1, 'start'],
      ],
      status: 'healthy',
      says: 'ended 23h ago',
    },
    {
      pings: [
        [23, 'end'],
        [3, 'start'],
      ],
      status: 'unhealthy',
      says: 'has not told of its end',
    },
    {
      pings: [
        [23, 'end'],
        [3, 'start'],
        [1, 'end'],
      ],
      status: 'healthy',
      says: '',
    },
  ] as const)('after $pings it is $status', async ({ pings, status, says }) => {
    expect(await after(...(pings as unknown as Parameters<typeof after>))).toMatchObject({
      status,
      message: expect.stringContaining(says),
    });
  });

  it('waits for the first ping as long as for any other', async () => {
    const [clock, memory] = [new FakeClock(), new Map<string, number>()];
    const run = () => ping.run(options, context({ clock, memory }));
    expect(await run()).toMatchObject({ status: 'unknown', message: 'no ping yet' });
    await clock.advance(26 * HOUR);
    expect(await run()).toMatchObject({ status: 'unknown' });
    await clock.advance(HOUR);
    expect(await run()).toMatchObject({ status: 'unhealthy', message: 'no ping in 1d 3h' });
  });

  it('takes no token that could be guessed', () => {
    expect(ping.options.safeParse({ token: 'backup' }).success).toBe(false);
    expect(ping.options.safeParse({ token: 'with/slash/and-more-letters' }).success).toBe(false);
  });
});
