import { describe, expect, it, onTestFinished } from 'vitest';
import type { Driver, RecordedRun, Running, StartPlan } from '../../src/drivers/index.ts';
import type { Exit } from '../../src/model/index.ts';
import { until } from '../support/temp.ts';

/** One component, with whatever runs it, and all that may happen to it behind our back. */
export interface Stage {
  /** A new driver, as a new daemon has one. */
  readonly driver: () => Driver;
  /** What the drivers would have told, in one line each. */
  readonly problems: readonly string[];
  readonly plan: (changes?: Partial<StartPlan>) => StartPlan;
  /** Whether it runs, asked by another way than the driver's. */
  readonly runs: () => boolean | Promise<boolean>;
  /** It ends without having been asked. */
  readonly end: (running?: Running | null) => Promise<void> | void;
  /** What is told of such an end. */
  readonly exit: Exit;
  /** A daemon before this one has started it; by default with another driver, which is closed. */
  readonly former?: (plan: StartPlan) => Promise<RecordedRun>;
  /** What is told of the end of what was taken over from it, where that is less. */
  readonly adoptedExit?: Exit;
  /** What is started from now on does not come up. @returns whether its start has begun, and how it gets on. */
  readonly beSlow: () => { readonly begun: () => boolean; readonly goOn: () => void };
  /** A plan by which nothing can be started, and what is said of it. */
  readonly refused: () => { readonly plan: StartPlan; readonly says: RegExp };
}

export const stop = (timeout: number) => ({ signal: 'SIGTERM', timeout }) as const;
const untilRuns = (stage: Stage) => until('it to run', stage.runs);
export const settled = async (running: Running): Promise<Exit | undefined> =>
  Promise.race([running.exited, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);

/** A driver that is closed with the test. */
export function driverOf(stage: Stage): Driver {
  const driver = stage.driver();
  onTestFinished(() => driver.close());
  return driver;
}

export const recordOf = ({ process, engine }: Running): RecordedRun => ({ process, engine: engine ?? null });

/** What the supervisor relies on, whatever runs a component. */
export function describeDriver(name: string, make: () => Promise<Stage> | Stage): void {
  describe(name, () => {
    it('is started, and stopped for all who ask', async () => {
      const stage = await make();
      const running = await driverOf(stage).start(stage.plan());
      await untilRuns(stage);
      expect(running.adopted).toBe(false);
      expect(await settled(running)).toBeUndefined();
      const [first, second] = await Promise.all([running.stop(stop(30_000)), running.stop(stop(1))]);
      expect(first.forced).toBe(false);
      expect(second).toBe(first);
      expect(await running.exited).toEqual(first.exit);
      expect(running.usage()).toBeNull();
      expect(await stage.runs()).toBe(false);
      expect(stage.problems).toEqual([]);
    });

    it('is started again after its end', async () => {
      const stage = await make();
      const driver = driverOf(stage);
      const first = await driver.start(stage.plan());
      await untilRuns(stage);
      await first.stop(stop(30_000), 'restart');
      const second = await driver.start(stage.plan());
      await untilRuns(stage);
      expect(await settled(second)).toBeUndefined();
      await second.stop(stop(30_000));
      expect(await stage.runs()).toBe(false);
    });

    it('tells its end once, however often it is asked', async () => {
      const stage = await make();
      const running = await driverOf(stage).start(stage.plan());
      await untilRuns(stage);
      await stage.end(running);
      expect(await running.exited).toEqual(stage.exit);
      expect(await running.stop(stop(10_000))).toEqual({ exit: stage.exit, forced: false });
      expect(await running.kill()).toEqual(stage.exit);
      expect(running.usage()).toBeNull();
    });

    it('is adopted by the next daemon, and by none when it has gone', async () => {
      const stage = await make();
      const plan = stage.plan();
      const recorded = await (stage.former?.(plan) ?? startByFormer(stage, plan));
      await untilRuns(stage);
      const running = await driverOf(stage).adopt(plan, recorded);
      expect(running?.adopted).toBe(true);
      expect(running && recordOf(running)).toEqual(recorded);
      await stage.end(running);
      expect(await running?.exited).toEqual(stage.adoptedExit ?? stage.exit);
      expect(await driverOf(stage).adopt(plan, recorded)).toBeNull();
    });

    it('is stopped while it still comes up, without being waited for', async () => {
      const stage = await make();
      const { begun, goOn } = stage.beSlow();
      const { engine } = stage.plan();
      const unwanted = new AbortController();
      const patient = { ...engine, timeout: 600_000 } as NonNullable<typeof engine>;
      const plan = stage.plan({ ...(engine && { engine: patient }), startTimeoutMs: 600_000 });
      const starting = driverOf(stage).start(plan, unwanted.signal);
      await until('its start to have begun', begun);
      unwanted.abort();
      const stopping = (await starting).stop(stop(30_000));
      goOn();
      expect((await stopping).forced).toBe(false);
      expect(await stage.runs()).toBe(false);
      expect(stage.problems).toEqual([]);
    });

    it('says in one line why it cannot be started', async () => {
      const stage = await make();
      const { plan, says } = stage.refused();
      const refused = driverOf(stage).start(plan);
      await expect(refused).rejects.toMatchObject({ code: 'SPAWN_FAILED' });
      await expect(refused).rejects.toThrow(says);
      await expect(refused).rejects.toThrow(/^[^\n]+$/);
    });
  });
}

async function startByFormer(stage: Stage, plan: StartPlan): Promise<RecordedRun> {
  const former = stage.driver();
  const running = await former.start(plan);
  await former.close();
  return recordOf(running);
}
