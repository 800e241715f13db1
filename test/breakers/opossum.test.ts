import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/breakers/opossum.ts';
import { FakeClock } from '../support/fake-clock.ts';

const engine = (windowMs = 60_000) => {
  const clock = new FakeClock();
  return { clock, engine: createEngine('gpt_api', windowMs, clock) };
};

describe('the engine', () => {
  it('goes on calling however many calls fail: it decides nothing', async () => {
    const { engine: it } = engine();
    for (let i = 0; i < 20; i++) await expect(it.run(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await it.run(() => Promise.resolve('up'))).toBe('up');
    expect(it.statistics()).toEqual({ calls: 21, failures: 20 });
  });

  it.each([
    { what: 'a value', call: () => 42, value: 42 },
    { what: 'nothing', call: () => undefined, value: undefined },
    { what: 'a promise', call: () => Promise.resolve('x'), value: 'x' },
  ])('makes a call that returns $what', async ({ call, value }) => {
    const { engine: it } = engine();
    expect(await it.run<unknown>(call)).toBe(value);
    expect(it.statistics()).toEqual({ calls: 1, failures: 0 });
  });

  it('passes on what a call throws at once', async () => {
    const { engine: it } = engine();
    const thrown = new Error('bad argument');
    await expect(
      it.run(() => {
        throw thrown;
      }),
    ).rejects.toBe(thrown);
    expect(it.statistics()).toEqual({ calls: 1, failures: 1 });
  });

  it('reckons in calls that were made elsewhere, and forgets them after the window', async () => {
    const { clock, engine: it } = engine();
    it.count(false);
    await clock.advance(30_000);
    it.count(true);
    it.count(true);
    expect(it.statistics()).toEqual({ calls: 3, failures: 1 });
    await clock.advance(30_000);
    expect(it.statistics()).toEqual({ calls: 2, failures: 0 });
    await clock.advance(30_000);
    expect(it.statistics()).toEqual({ calls: 0, failures: 0 });
  });

  it('counts a long call when it ends', async () => {
    const { clock, engine: it } = engine();
    const running = it.run(() => clock.sleep(300_000));
    await clock.advance(300_000);
    await running;
    expect(it.statistics()).toEqual({ calls: 1, failures: 0 });
  });

  it('sets no timer, neither on our clock nor on the real one', () => {
    const resources = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = resources();
    const { clock, engine: it } = engine(1_000);
    expect(clock.pending).toBe(0);
    expect(resources()).toBe(before);
    it.close();
  });

  it('lets what it was running go on after its end', async () => {
    const { engine: it } = engine();
    const call = Promise.withResolvers<string>();
    const running = it.run(() => call.promise);
    it.close();
    call.resolve('late');
    expect(await running).toBe('late');
  });
});
