import { describe, expect, it } from 'vitest';
import type { StartPlan } from '../../src/drivers/index.ts';
import { until } from '../support/temp.ts';
import { driverOf, recordOf, settled, stop, type Stage } from './driver.ts';

/** An engine that knows one component. */
export interface EngineStage extends Stage {
  /** Somebody else starts it. */
  readonly startElsewhere: () => Promise<void> | void;
  /** What is started from now on does not listen to a stop. @returns whether what runs is deaf by now. */
  readonly beDeaf: () => () => boolean;
  /** The engine answers nobody, until `back`. */
  readonly away: () => Promise<void> | void;
  readonly back: () => Promise<void> | void;
}

export interface EngineContract<S extends EngineStage> {
  readonly name: string;
  readonly stage: () => Promise<S> | S;
  /** A run is told apart from the next one of the same name. */
  readonly tellsRuns: boolean;
  /** More ways in which nothing can be started, and what is said of each. */
  readonly troubles: readonly {
    readonly what: string;
    readonly make: (stage: S) => Promise<StartPlan> | StartPlan;
    readonly says: RegExp;
  }[];
}

/** What the supervisor relies on of an engine, beyond what it does of every driver. */
export function describeEngine<S extends EngineStage>({ name, stage: make, tellsRuns, troubles }: EngineContract<S>) {
  describe(name, () => {
    const begin = async () => {
      const stage = await make();
      return { stage, driver: driverOf(stage) };
    };

    it('says who runs, and tells one run from the next where it can', async () => {
      const { stage, driver } = await begin();
      const first = await driver.start(stage.plan());
      expect(first.engine).toMatchObject({ engine: driver.kind });
      await first.stop(stop(30_000), 'restart');
      const second = await driver.start(stage.plan());
      expect(second.engine).toMatchObject({ engine: driver.kind, name: first.engine?.name });
      if (tellsRuns) expect(second.engine?.run).not.toEqual(first.engine?.run);
      await second.kill();
    });

    it('kills what does not listen to a stop', async () => {
      const { stage, driver } = await begin();
      const isDeaf = stage.beDeaf();
      const running = await driver.start(stage.plan());
      await until('it to be deaf', isDeaf);
      expect((await running.stop(stop(300))).forced).toBe(true);
      expect(await stage.runs()).toBe(false);
    });

    it('takes over what runs already, as it is', async () => {
      const { stage, driver } = await begin();
      await stage.startElsewhere();
      const running = await driver.start(stage.plan());
      expect(running.adopted).toBe(true);
      await running.kill();
      expect(await stage.runs()).toBe(false);
    });

    it('finds what runs, whoever has started it, and nothing where nothing does', async () => {
      const { stage, driver } = await begin();
      // One that was made and never begun may be about to be.
      expect([null, 'pending']).toContain(await driver.find?.(stage.plan()));
      await stage.startElsewhere();
      const found = await driver.find?.(stage.plan());
      expect(found).toMatchObject({ adopted: true });
      if (found && found !== 'pending') await found.kill();
      expect(await stage.runs()).toBe(false);
      await stage.away();
      await expect(driver.find?.(stage.plan())).rejects.toThrow(/^it may still run: [^\n]+$/);
      expect(stage.problems.join('\n')).toMatch(/^"worker" \(\w+\) may still run: /m);
    });

    it.runIf(tellsRuns)('is not mistaken for what somebody else has put in its place', async () => {
      const { stage, driver } = await begin();
      const first = await driver.start(stage.plan());
      const other = driverOf(stage);
      await stage.end();
      await stage.startElsewhere();
      expect(await first.exited).toMatchObject({ signal: null });
      expect(await other.adopt(stage.plan(), recordOf(first))).toBeNull();
      await (await other.start(stage.plan())).kill();
    });

    it('counts as running while the engine is away, which is said once', async () => {
      const { stage, driver } = await begin();
      const running = await driver.start(stage.plan());
      await stage.away();
      const problem = /"worker" .*cannot be looked after/;
      await until('the problem to be told', () => stage.problems.some((line) => problem.test(line)));
      expect(await settled(running)).toBeUndefined();
      const adopted = await driverOf(stage).adopt(stage.plan(), recordOf(running));
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
