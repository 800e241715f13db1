import { describe, expect, it } from 'vitest';
import type { RecoveryEvent } from '../../src/model/index.ts';
import { until } from '../support/temp.ts';
import { crash, hurried, openNotifiers, openShelf } from './facts.ts';
import { Receiver, signed } from './receiver.ts';

const now = () => Date.now();
const items = (events: RecoveryEvent[], type: 'telemetry.exported' | 'telemetry.dropped') =>
  events.filter((event) => event.type === type).length;

async function receiver(): Promise<Receiver> {
  const one = new Receiver();
  await one.come();
  return one;
}

describe('a webhook', () => {
  it('gets a signed post with the whole report', async () => {
    const hook = await receiver();
    const shelf = openShelf();
    const report = {
      crash_id: 'CRASH-1',
      exception_type: 'TypeError',
      exception_message: 'no plan',
      recent_logs: ['x'],
    };
    const { notifiers, emitted } = openNotifiers(
      shelf.store,
      { webhooks: [{ url: hook.url, secret: 'hush-hush', headers: { 'x-room': '7' } }] },
      { report: () => Promise.resolve(report), mask: (text) => text.replace('no plan', '***') },
    );
    shelf.state(crash(1, now()));
    notifiers.wake();
    const post = await until('the post', () => hook.taken[0]);
    expect(post.body).toMatchObject({
      version: '1',
      kind: 'crash',
      component: 'worker',
      severity: 'high',
      title: 'worker crashed: unhandled_exception',
      message: 'TypeError: ***',
      crash_id: 'CRASH-20261123-224610-00000001',
      type: 'unhandled_exception',
      count: 1,
      report,
    });
    expect(post.headers).toMatchObject({ 'content-type': 'application/json', 'x-room': '7' });
    expect(post.headers['idempotency-key']).toBe(post.body.id);
    expect(Math.abs(Number(post.headers['x-paramedic-timestamp']) - now() / 1_000)).toBeLessThan(60);
    expect(post.headers['x-paramedic-signature']).toBe(signed('hush-hush', post));
    await until('it is counted', () => items(emitted, 'telemetry.exported') === 1);
  });

  it('gets its posts although the events cannot be read for a while', async () => {
    const hook = await receiver();
    const shelf = openShelf();
    let looks = 0;
    const afterOf: typeof shelf.store.afterOf = (...asked) => {
      // Before a letter, after it, and when it is asked whether it may rest.
      if (++looks === 3) throw new Error('disk I/O error');
      return shelf.store.afterOf(...asked);
    };
    const { notifiers, troubles } = openNotifiers(
      shelf.store,
      { webhooks: [{ url: hook.url }] },
      { shelf: { ...shelf.store, afterOf } },
    );
    shelf.state(crash(1, now()));
    notifiers.wake();
    await until('the trouble is told', () => troubles[0]?.includes('disk I/O error'));
    shelf.state(crash(2, now()));
    notifiers.wake();
    await until('both posts', () => hook.taken.length === 2);
  });

  it('that was down for a minute gets 500 reports in order and once, and only a few questions meanwhile', async () => {
    const hook = await receiver();
    await hook.leave();
    const shelf = openShelf();
    const { notifiers, emitted, troubles } = openNotifiers(shelf.store, { webhooks: [{ url: hook.url }] });
    for (let n = 1; n <= 500; n++) shelf.state(crash(n, now()));
    notifiers.wake();
    await until('it is found to be away', () => troubles.length > 0);
    // A minute of the clock that the notifiers live by.
    await hurried.sleep(300);
    notifiers.wake();
    await hook.come();
    await until('all have arrived', () => hook.taken.length >= 500, 60_000);
    await until('all are counted', () => items(emitted, 'telemetry.exported') === 500);
    expect(hook.taken.map(({ body }) => Number(body.crash_id?.slice(-8)))).toEqual(
      Array.from({ length: 500 }, (_, n) => n + 1),
    );
    expect(new Set(hook.ids).size).toBe(500);
    expect(troubles).toEqual([
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+: it does not take notifications, they wait: .*ECONNREFUSED/),
    ]);
    expect(troubles.join()).not.toContain('secret-path');
  });

  it('that fails in between gets the same notification again, nothing before it and nothing twice that it took', async () => {
    const hook = await receiver();
    let calls = 0;
    hook.answer = () => [503, { status: 429, headers: { 'retry-after': '2' } }, 404, 200][calls++ % 4] ?? 200;
    const shelf = openShelf();
    const { notifiers } = openNotifiers(shelf.store, { webhooks: [{ url: hook.url }] });
    for (let n = 1; n <= 5; n++) shelf.state(crash(n, now()));
    notifiers.wake();
    await until('all have arrived', () => hook.taken.length === 5, 30_000);
    expect(hook.taken.map(({ body }) => Number(body.crash_id?.slice(-8)))).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(hook.refused.map(({ body }) => body.id))).toEqual(new Set(hook.ids));
    expect(hook.refused).toHaveLength(15);
  });

  it('that does not answer in time is away; what it can never take is dropped and counted', async () => {
    const hook = await receiver();
    let asked = 0;
    hook.answer = ({ body }) => (body.crash_id?.endsWith('2') ? 200 : asked++ === 0 ? null : 400);
    const shelf = openShelf();
    const { notifiers, emitted, troubles } = openNotifiers(shelf.store, {
      webhooks: [{ url: hook.url, timeout: '300ms' }],
    });
    shelf.state(crash(1, now()), crash(2, now()));
    notifiers.wake();
    await until('the second has arrived', () => hook.taken.length === 1);
    expect(hook.taken[0]?.body.crash_id).toMatch(/2$/);
    expect(hook.refused[0]?.body.crash_id).toMatch(/1$/);
    expect(troubles).toEqual([
      expect.stringContaining('in time'),
      expect.stringContaining('refuses one notification: it answered 400'),
    ]);
    await until('both are counted', () => items(emitted, 'telemetry.exported') === 1);
    expect(emitted).toContainEqual(
      expect.objectContaining({ type: 'telemetry.dropped', sink: 'webhook', reason: 'export_failed', items: 1 }),
    );
  });

  it('is not told what is too old to matter', async () => {
    const hook = await receiver();
    const shelf = openShelf();
    const { notifiers, emitted } = openNotifiers(shelf.store, { webhooks: [{ url: hook.url }], max_age: '1h' });
    shelf.state(crash(1, now() - 3_700_000), crash(2, now()));
    notifiers.wake();
    await until('the new one has arrived', () => hook.taken.length === 1);
    expect(hook.taken[0]?.body.crash_id).toMatch(/2$/);
    expect(emitted).toContainEqual(expect.objectContaining({ type: 'telemetry.dropped', reason: 'queue_full' }));
  });

  it('that is slow holds up nobody else, and closing does not wait for it', async () => {
    const [slow, quick] = [await receiver(), await receiver()];
    slow.answer = () => null;
    const shelf = openShelf();
    const { notifiers } = openNotifiers(shelf.store, { webhooks: [{ url: slow.url }, { url: quick.url }] });
    shelf.state(crash(1, now()), crash(2, now()));
    notifiers.wake();
    await until('the quick one has both', () => quick.taken.length === 2);
    await notifiers.close();
    expect(slow.taken).toEqual([]);
  });
});
