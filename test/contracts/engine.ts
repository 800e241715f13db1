import { describe, expect, it, onTestFinished } from 'vitest';
import type { Driver, Running, StartPlan } from '../../src/drivers/index.ts';
import type { Exit } from '../../src/model/index.ts';
import { until } from '../support/temp.ts';

/** An engine that knows one component, with all that may happen to it behind our back. */
export interface Stage {
  /** A new driver, as a new daemon has one. */
  readonly driver: () => Driver;
  /** What the drivers would have told, in one line each. */
  readonly problems: readonly string[];
  readonly plan: (changes?: Partial<StartPlan>) => StartPlan;
  /** Whether the engine runs it, asked by another way than the driver's. */
  readonly runs: () => boolean | Promise<boolean>;
  /** Somebody else starts it. */
  readonly startElsewhere: () => Promise<void> | void;
  /** It ends without having been asked. */
  readonly end: () => Promise<void> | void;
  /** What is started from now on does not listen to a stop. @returns whether what runs is deaf by now. */
  readonly beDeaf: () => () => boolean;
  /** What is started from now on does not come up. @returns whether its start has begun, and how the engine gets on. */
  readonly beSlow: () => { readonly begun: () => boolean; readonly goOn: () => void };
  /** The engine answers nobody, until `back`. */
  readonly away: () => Promise<void> | void;
  readonly back: () => Promise<void> | void;
}

export interface EngineContract {
  readonly name: string;
  readonly stage: () => Promise<Stage> | Stage;
  /** What is told of an end that nobody asked for. */
  readonly exit: Exit;
  /** A run is told apart from the next one of the same name. */
  readonly tellsRuns: boolean;
  /** Ways in which nothing can be started, and what is said of each. */
  readonly troubles: readonly {
    readonly what: string;
    readonly make: (stage: Stage) => Promise<StartPlan>;
    readonly says: RegExp;
  }[];
}

const stop = (timeout: number) => ({ signal: 'SIGTERM', timeout }) as const;
const settled = async (running: Running): Promise<Exit | undefined> =>
  Promise.race([running.exited, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);

/** What the supervisor relies on, whatever engine runs a component. */
export function describeEngine({ name, stage: make, exit, tellsRuns, troubles }: EngineContract): void {
  describe(name, () => {
    const begin = async () => {
      const stage = await make();
      const driver = stage.driver();
      onTestFinished(() => driver.close());
      return { stage, driver };
    };
    const next = (stage: Stage) => {
      const driver = stage.driver();
      onTestFinished(() => driver.close());
      return driver;
    };
    const recorded = ({ process, engine }: Running) => ({ process, engine: engine ?? null });

    it('starts it, says who it is, and stops it for all who ask', async () => {
      const { stage, driver } = await begin();
      const running = await driver.start(stage.plan());
      expect(await stage.runs()).toBe(true);
      expect(running.engine).toMatchObject({ engine: driver.kind });
      expect(running.adopted).toBe(false);
      const [first, second] = await Promise.all([running.stop(stop(30_000)), running.stop(stop(1))]);
      expect(first.forced).toBe(false);
      expect(second).toBe(first);
      expect(await running.exited).toEqual(first.exit);
      expect(running.usage()).toBeNull();
      expect(await stage.runs()).toBe(false);
    });

    it('starts it again after its end', async () => {
      const { stage, driver } = await begin();
      const first = await driver.start(stage.plan());
      await first.stop(stop(30_000), 'restart');
      const second = await driver.start(stage.plan());
      expect(await stage.runs()).toBe(true);
      if (tellsRuns) expect(second.engine?.run).not.toEqual(first.engine?.run);
      await second.kill();
      expect(await stage.runs()).toBe(false);
    });

    it('is told of an end that nobody asked for', async () => {
      const { stage, driver } = await begin();
      const running = await driver.start(stage.plan());
      await stage.end();
      expect(await running.exited).toEqual(exit);
      expect((await running.stop(stop(10_000))).exit).toEqual(exit);
      expect(await running.kill()).toEqual(exit);
    });

    it('kills what does not listen to a stop', async () => {
      const { stage, driver } = await begin();
      const isDeaf = stage.beDeaf();
      const running = await driver.start(stage.plan());
      await until('it to be deaf', isDeaf);
      expect((await running.stop(stop(300))).forced).toBe(true);
      expect(await stage.runs()).toBe(false);
    });

    it('is stopped while it still comes up, without waiting for the engine', async () => {
      const { stage, driver } = await begin();
      const { begun, goOn } = stage.beSlow();
      const unwanted = new AbortController();
      const engine = { ...stage.plan().engine, timeout: 600_000 } as NonNullable<StartPlan['engine']>;
      const starting = driver.start(stage.plan({ engine, startTimeoutMs: 600_000 }), unwanted.signal);
      await until('its start to have begun', begun);
      unwanted.abort();
      const stopping = (await starting).stop(stop(30_000));
      goOn();
      expect((await stopping).forced).toBe(false);
      expect(await stage.runs()).toBe(false);
      expect(stage.problems).toEqual([]);
    });

    it('takes over what runs already, as it is', async () => {
      const { stage, driver } = await begin();
      await stage.startElsewhere();
      const running = await driver.start(stage.plan());
      expect(running.adopted).toBe(true);
      await running.kill();
      expect(await stage.runs()).toBe(false);
    });

    it('is adopted by the next daemon, and by none when it has gone', async () => {
      const { stage, driver } = await begin();
      const first = await driver.start(stage.plan());
      await driver.close();
      const second = await next(stage).adopt(stage.plan(), recorded(first));
      expect(second?.engine).toEqual(first.engine);
      expect(second?.adopted).toBe(true);
      await stage.end();
      expect(await second?.exited).toEqual(exit);
      expect(await next(stage).adopt(stage.plan(), recorded(first))).toBeNull();
      expect(await settled(first)).toBeUndefined();
    });

    it.runIf(tellsRuns)('is not mistaken for what somebody else has put in its place', async () => {
      const { stage, driver } = await begin();
      const first = await driver.start(stage.plan());
      const other = next(stage);
      await stage.end();
      await stage.startElsewhere();
      expect(await first.exited).toMatchObject({ signal: null });
      expect(await other.adopt(stage.plan(), recorded(first))).toBeNull();
      await (await other.start(stage.plan())).kill();
    });

    it('counts as running while the engine is away, which is said once', async () => {
      const { stage, driver } = await begin();
      const running = await driver.start(stage.plan());
      await stage.away();
      const problem = /"worker" .*cannot be looked after/;
      await until('the problem to be told', () => stage.problems.some((line) => problem.test(line)));
      expect(await settled(running)).toBeUndefined();
      const adopted = await next(stage).adopt(stage.plan(), recorded(running));
      expect(adopted?.engine).toEqual(running.engine);
      expect(stage.problems.filter((line) => line.includes('\n'))).toEqual([]);
      await stage.end();
      await stage.back();
      await Promise.all([running.exited, adopted?.exited]);
      // One for each of the two that look after it.
      expect(stage.problems.filter((line) => problem.test(line)).length).toBeLessThanOrEqual(2);
    });

    it('lets nobody wait for ever for the end of what cannot be stopped', async () => {
      const { stage, driver } = await begin();
      const running = await driver.start(stage.plan());
      await stage.away();
      expect(await running.stop(stop(200))).toMatchObject({ forced: true });
      expect(stage.problems.join('\n')).toMatch(/"worker" .* it may still run|could not be killed, and may still run/);
      await stage.back();
      await (await driver.start(stage.plan())).kill();
      expect(await stage.runs()).toBe(false);
    });

    it('cannot be started while the engine is away', async () => {
      const { stage, driver } = await begin();
      await stage.away();
      const refused = driver.start(stage.plan());
      await expect(refused).rejects.toMatchObject({ code: 'SPAWN_FAILED' });
      await expect(refused).rejects.toThrow(/^[^\n]+$/);
    });

    it.each(troubles)('says in one line that $what', async ({ make: trouble, says }) => {
      const { stage, driver } = await begin();
      const refused = driver.start(await trouble(stage));
      await expect(refused).rejects.toMatchObject({ code: 'SPAWN_FAILED' });
      await expect(refused).rejects.toThrow(says);
      await expect(refused).rejects.toThrow(/^[^\n]+$/);
    });
  });
}
