import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Driver } from '../../src/drivers/index.ts';
import { driverForTest, planFor, shell } from '../drivers/support.ts';
import { FakeDriver, type Fate } from '../support/fake-driver.ts';
import { until } from '../support/temp.ts';

/** The same three programs, for real and in a clock only. */
const programs = {
  sleeps: { plan: () => shell('exec sleep 60'), fate: {} },
  isDeaf: { plan: () => shell(`trap '' TERM; echo up; while :; do sleep 0.01; done`), fate: { leavesAfter: null } },
  gives_up: { plan: () => shell('exit 7'), fate: { endsAfter: 1, code: 7 } },
  isNotThere: { plan: () => planFor(['/no/such/program']), fate: { refused: true } },
} satisfies Record<string, { plan: () => unknown; fate: Fate }>;

const drivers = {
  'the driver of processes': (): { driver: Driver; real: boolean } => ({ driver: driverForTest().driver, real: true }),
  'the fake driver': (fate: Fate) => {
    const driver = new FakeDriver(systemClock);
    driver.fate = () => fate;
    return { driver, real: false };
  },
};

/** What the supervisor's rules rely on: the fake may stand in for the real one because both keep these promises. */
describe.each(Object.entries(drivers))('%s', (_name, make) => {
  const start = async (program: keyof typeof programs) => {
    const { plan, fate } = programs[program];
    const { driver, real } = make(fate);
    const running = await driver.start(plan());
    if (program === 'isDeaf' && real)
      await until('the program to be deaf', () => running.outputTail('stdout', 10) === 'up\n');
    return running;
  };

  it('tells the exit code of what ends by itself', async () => {
    expect(await (await start('gives_up')).exited).toEqual({ code: 7, signal: null });
  });

  it('tells that it was asked when it leaves in time', async () => {
    const running = await start('sleeps');
    const stops = await Promise.all([running.stop({ signal: 'SIGTERM', timeout: 9_000 }), running.exited]);
    expect(stops).toEqual([
      { exit: { code: null, signal: 'SIGTERM' }, forced: false },
      { code: null, signal: 'SIGTERM' },
    ]);
    expect(running.usage()).toBeNull();
  });

  it('kills what does not leave in time, and answers all who asked alike', async () => {
    const running = await start('isDeaf');
    const [first, second] = [
      running.stop({ signal: 'SIGTERM', timeout: 30 }),
      running.stop({ signal: 'SIGTERM', timeout: 60_000 }),
    ];
    expect(await first).toEqual({ exit: { code: null, signal: 'SIGKILL' }, forced: true });
    expect(await second).toEqual(await first);
  });

  it('answers with the same end when asked again after it', async () => {
    const running = await start('sleeps');
    const exit = await running.kill();
    expect(exit).toEqual({ code: null, signal: 'SIGKILL' });
    expect((await running.stop({ signal: 'SIGTERM', timeout: 9_000 })).exit).toEqual(exit);
  });

  it('rejects the start of what cannot be started', async () => {
    await expect(start('isNotThere')).rejects.toMatchObject({ code: 'SPAWN_FAILED' });
  });
});
