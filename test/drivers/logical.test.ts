import { describe, expect, it } from 'vitest';
import type { RecordedRun, StartPlan } from '../../src/drivers/index.ts';
import type { Parent } from '../../src/drivers/logical.ts';
import { logicalStage } from './stages/logical.ts';

const stop = { signal: 'SIGTERM', timeout: 5_000 } as const;

function setUp(parent?: Parent | null) {
  const stage = logicalStage(parent);
  return { stage, driver: stage.driver() };
}
const recorded = (run: string, name = 'core'): RecordedRun => ({
  process: null,
  engine: { engine: 'parent', name, run, bootId: 'b' },
});

describe('a logical component', () => {
  it('begins with its parent, without being told', async () => {
    const { stage, driver } = setUp();
    const running = await driver.start(stage.plan());
    expect(running).toMatchObject({ process: null, adopted: false, engine: { name: 'core', run: 'one' } });
    expect(stage.told).toEqual([]);
  });

  it('is told to begin anew while its parent lives, which ends it, too', async () => {
    const { stage, driver } = setUp();
    const first = await driver.start(stage.plan());
    expect((await first.stop(stop, 'restart')).forced).toBe(false);
    expect(stage.told).toEqual([]);
    await driver.start(stage.plan());
    expect(stage.told).toEqual([['worker', 'restart', 700]]);
    stage.parent = { incarnation: 'two', adopted: false };
    expect((await driver.start(stage.plan())).engine?.run).toBe('two');
    expect(stage.told).toHaveLength(1);
  });

  it('may have been stopped by an earlier daemon: then it is told, if it listens', async () => {
    const { stage, driver } = setUp({ incarnation: 'one', adopted: true });
    await driver.start(stage.plan());
    stage.hears = false;
    await stage.driver().start(stage.plan());
    expect(stage.told).toHaveLength(1);
  });

  it('is told to begin when it was told to stop before anybody had started it', async () => {
    const { stage, driver } = setUp();
    stage.wasStopped = true;
    await driver.start(stage.plan());
    expect(stage.told).toEqual([['worker', 'restart', 700]]);
  });

  it('is not started when its parent ends meanwhile', async () => {
    const { stage, driver } = setUp();
    await driver.start(stage.plan());
    stage.answer = () => new Promise(() => {});
    const unwanted = new AbortController();
    const started = driver.start(stage.plan(), unwanted.signal);
    stage.parent = null;
    unwanted.abort();
    await expect(started).rejects.toThrow('its parent "core" does not run');
  });

  it('is told to stop once, and has stopped when it says so', async () => {
    const { stage, driver } = setUp();
    const running = await driver.start(stage.plan());
    const [first, second] = await Promise.all([running.stop(stop), running.stop(stop)]);
    expect(first).toEqual({ exit: { code: 0, signal: null }, forced: false });
    expect(second).toBe(first);
    expect(stage.told).toEqual([['worker', 'shutdown', 5_000]]);
    expect(await running.exited).toEqual(first.exit);
  });

  it('that does not stop is given up, and that is said', async () => {
    const { stage, driver } = setUp();
    stage.answer = () => Promise.reject(new Error('it did not answer'));
    const running = await driver.start(stage.plan());
    expect(await running.stop(stop)).toMatchObject({ forced: true });
    expect(stage.problems).toEqual(['"worker" may still run inside "core"']);
  });

  it('ends when others say so, even while it is asked to stop', async () => {
    const { stage, driver } = setUp();
    const running = await driver.start(stage.plan());
    running.lost?.();
    expect(await running.exited).toEqual({ code: null, signal: null });
    expect((await running.stop(stop)).forced).toBe(false);
    expect(await running.kill()).toEqual({ code: null, signal: null });

    stage.answer = () => new Promise(() => {});
    const next = await driver.start(stage.plan({ component: 'other' as StartPlan['component'] }));
    const stopping = next.stop(stop);
    next.lost?.();
    expect((await stopping).exit).toEqual({ code: null, signal: null });
  });

  it('that does not obey cannot be started', async () => {
    const { stage, driver } = setUp();
    await driver.start(stage.plan());
    stage.answer = () => Promise.reject(new Error('it answered: not now.'));
    await expect(driver.start(stage.plan())).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      message: expect.stringMatching(/^[^\n]*it answered: not now[^\n]*$/) as string,
    });
  });

  it('is adopted with the same life of its parent only', async () => {
    const { stage, driver } = setUp({ incarnation: 'one', adopted: true });
    expect(await driver.adopt(stage.plan(), recorded('zero'))).toBeNull();
    expect(await driver.adopt(stage.plan(), recorded('one', 'another'))).toBeNull();
    expect(await driver.adopt(stage.plan(), { process: null, engine: null })).toBeNull();
    expect(await driver.adopt(stage.plan(), recorded('one'))).toMatchObject({ adopted: true });
    stage.parent = null;
    expect(await driver.adopt(stage.plan(), recorded('one'))).toBeNull();
  });
});
