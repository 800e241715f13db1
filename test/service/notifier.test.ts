import { describe, expect, it } from 'vitest';
import { createNotifier } from '../../src/service/notifier.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MORE = 'EXTEND_TIMEOUT_USEC=30000000';

/** A notifier that speaks to us, on a clock of ours. */
function listen(watchdogMs: number | null = 30_000) {
  const clock = new FakeClock();
  const heard: string[] = [];
  const errors: unknown[] = [];
  let deaf = false;
  const notifier = createNotifier({
    clock,
    watchdogMs,
    onError: (error) => errors.push(error),
    channel: {
      send: (text) => (deaf ? Promise.reject(new Error('EAGAIN')) : Promise.resolve(void heard.push(text))),
      close: () => Promise.resolve(),
    },
  });
  const tick = (seq: number | null = null) =>
    notifier.hear({ type: 'daemon.ticked', at: clock.now(), durationMs: 1 }, seq);
  /** Seconds of a decision loop that ticks. */
  const live = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await clock.advance(1_000);
      tick();
    }
  };
  return { clock, notifier, heard, errors, tick, live, setDeaf: (now: boolean) => void (deaf = now) };
}

describe('a notifier', () => {
  it('asks for time while it boots, then says that it is ready and feeds the watchdog at half of its time', async () => {
    const { clock, notifier, heard, live } = listen();
    await clock.advance(25_000);
    expect(heard).toEqual([MORE, MORE]);
    notifier.ready(() => 'healthy');
    await live(46);
    expect(heard.slice(2)).toEqual(['READY=1\nSTATUS=healthy', 'WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
  });

  it('lets the watchdog starve while the decision loop stands still', async () => {
    const { clock, notifier, heard, live } = listen(10_000);
    notifier.ready(() => 'healthy');
    await live(11);
    await clock.advance(60_000);
    expect(heard.slice(1)).toEqual(['WATCHDOG=1', 'WATCHDOG=1']);
    await live(5);
    expect(heard).toHaveLength(4);
  });

  it('has no beat where there is no watchdog', async () => {
    const { notifier, heard, live, clock } = listen(null);
    notifier.ready(() => 'healthy');
    await live(100);
    expect(heard).toEqual(['READY=1\nSTATUS=healthy']);
    expect(clock.pending).toBe(0);
  });

  it('tells a new status with the next tick, once', async () => {
    const { notifier, heard, tick, live } = listen(null);
    let status = 'healthy';
    notifier.ready(() => status);
    status = 'critical';
    await live(2);
    expect(heard).toHaveLength(1);
    tick(7);
    await live(2);
    tick(8);
    expect(heard.slice(1)).toEqual(['STATUS=critical']);
  });

  it('is reloading until the reload is over, however it ends', async () => {
    const { notifier, heard } = listen(null);
    notifier.ready(() => 'healthy');
    await expect(notifier.reloading(() => Promise.reject(new Error('line 1')))).rejects.toThrow('line 1');
    expect(await notifier.reloading(() => Promise.resolve(7))).toBe(7);
    const begun = expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=reading/) as string;
    expect(heard.slice(1)).toEqual([begun, 'READY=1\nSTATUS=healthy', begun, 'READY=1\nSTATUS=healthy']);
  });

  it('asks for time while it stops, feeds nobody, and is quiet when closed', async () => {
    const { notifier, heard, live, clock } = listen(10_000);
    notifier.ready(() => 'healthy');
    notifier.stopping();
    await live(21);
    expect(heard.slice(1)).toEqual(['STOPPING=1\nSTATUS=stopping', MORE, MORE, MORE]);
    notifier.ready(() => 'healthy');
    await notifier.close();
    await live(60);
    expect(heard).toHaveLength(5);
    expect(clock.pending).toBe(0);
  });

  it('says again what did not arrive, and complains once', async () => {
    const { notifier, heard, errors, live, setDeaf } = listen(10_000);
    setDeaf(true);
    notifier.ready(() => 'healthy');
    await live(20);
    expect(errors).toEqual([new Error('EAGAIN')]);
    setDeaf(false);
    await live(2);
    expect(heard).toEqual(['READY=1\nSTATUS=healthy']);
  });
});
