import { describe, expect, it } from 'vitest';
import { QUEUE_CAPACITY, SpanQueue, type Delivery } from '../../src/telemetry/span-queue.ts';
import { draw, type Span } from '../../src/telemetry/spans/span.ts';
import { FakeClock } from '../support/fake-clock.ts';

const away: Delivery = { kind: 'away', why: 'nobody there' };
const accepted: Delivery = { kind: 'accepted' };

const spans = (count: number, from = 0): Span[] =>
  Array.from({ length: count }, (_, n) =>
    draw({ traceId: 'a', spanId: String(from + n) }, { name: 'x', parentId: null, from: 0, to: 0 }),
  );

function bench() {
  const clock = new FakeClock();
  const batches: string[][] = [];
  const dropped: string[] = [];
  const troubles: string[] = [];
  let mood: Delivery | Promise<Delivery> = accepted;
  let atOnce = 0;
  let mostAtOnce = 0;
  const queue = new SpanQueue({
    clock,
    sink: {
      async send(batch) {
        mostAtOnce = Math.max(mostAtOnce, ++atOnce);
        const answer = await mood;
        atOnce--;
        if (answer.kind === 'accepted') batches.push(batch.map(({ spanId }) => spanId));
        return answer;
      },
    },
    onDropped: (reason, items) => items > 0 && dropped.push(`${reason} ${items}`),
    onAccepted: () => {},
    onTrouble: (why) => troubles.push(why),
  });
  return {
    clock,
    queue,
    batches,
    dropped,
    troubles,
    answer(next: Delivery | Promise<Delivery>) {
      mood = next;
    },
    mostAtOnce: () => mostAtOnce,
    sizes: () => batches.map((batch) => batch.length),
  };
}

describe('the queue of spans', () => {
  it('sends each second what has come', async () => {
    const { clock, queue, batches } = bench();
    queue.push(spans(2), 1);
    await clock.advance(999);
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(batches).toEqual([['0', '1']]);
    expect(clock.pending).toBe(0);
  });

  it('sends 512 at once, one export at a time', async () => {
    const { clock, queue, sizes, answer, mostAtOnce } = bench();
    const late = Promise.withResolvers<Delivery>();
    answer(late.promise);
    queue.push(spans(512), 1);
    queue.push(spans(700), 2);
    await clock.advance(5_000);
    expect(queue.length).toBe(1_212);
    answer(accepted);
    late.resolve(accepted);
    await clock.advance(0);
    expect(sizes()).toEqual([512, 512]);
    await clock.advance(1_000);
    expect(sizes()).toEqual([512, 512, 188]);
    expect(mostAtOnce()).toBe(1);
  });

  it('keeps what a collector that is away did not take, asks ever more seldom, and complains once', async () => {
    const { clock, queue, batches, troubles, answer } = bench();
    answer(away);
    const spans3 = spans(3);
    queue.push(spans3, 1);
    await clock.advance(1_000);
    expect(troubles).toEqual(['nobody there']);
    await clock.advance(1_000 + 2_000 + 4_000 + 8_000 + 16_000 + 30_000 + 30_000 - 1);
    queue.push(spans(1, 3), 2);
    answer(accepted);
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(batches).toEqual([['0', '1', '2', '3']]);
    expect(troubles).toHaveLength(1);
    answer(away);
    queue.push(spans(1), 3);
    await clock.advance(1_000);
    expect(troubles).toHaveLength(2);
  });

  it('holds 8,192 and gives up the oldest', async () => {
    const { clock, queue, batches, dropped, answer } = bench();
    answer(away);
    queue.push(spans(QUEUE_CAPACITY), 1);
    await clock.advance(1);
    queue.push(spans(10, QUEUE_CAPACITY), 2);
    expect(queue.length).toBe(QUEUE_CAPACITY);
    await clock.advance(10_000);
    queue.push(spans(3, 9_000), 3);
    expect(queue.length).toBe(QUEUE_CAPACITY);
    expect(dropped).toEqual(['queue_full 10', 'queue_full 3']);
    answer(accepted);
    await clock.advance(60_000);
    expect(queue.length).toBe(0);
    expect(batches[0]?.[0]).toBe('13');
    expect(batches.at(-1)?.at(-1)).toBe('9002');
  });

  it.each(['export_failed', 'serialize_error'] as const)('gives up what never will be taken: %s', async (reason) => {
    const { clock, queue, batches, dropped, answer } = bench();
    answer({ kind: 'lost', reason, why: '400' });
    queue.push(spans(3), 1);
    await clock.advance(1_000);
    expect(dropped).toEqual([`${reason} 3`]);
    answer(accepted);
    queue.push(spans(1, 3), 2);
    await clock.advance(1_000);
    expect(batches).toEqual([['3']]);
  });

  it('knows through which event all has left', async () => {
    const { clock, queue, answer } = bench();
    queue.push(spans(1), 7);
    queue.push(spans(1), null);
    expect(queue.settledThrough).toBe(0);
    await clock.advance(1_000);
    expect(queue.settledThrough).toBe(7);
    answer(away);
    queue.push(spans(1), 9);
    queue.push(spans(1), 12);
    await clock.advance(1_000);
    expect(queue.settledThrough).toBe(7);
    answer(accepted);
    await clock.advance(1_000);
    expect(queue.settledThrough).toBe(12);
  });

  it('sends the rest when it is closed', async () => {
    const { queue, sizes, dropped, clock } = bench();
    queue.push(spans(600), 1);
    await queue.close(2_000);
    expect(sizes()).toEqual([512, 88]);
    expect(dropped).toEqual([]);
    expect(clock.pending).toBe(0);
    queue.push(spans(1), 2);
    expect(dropped).toEqual(['shutdown 1']);
  });

  it.each([
    { what: 'does not answer', mood: new Promise<Delivery>(() => {}), takes: 2_000 },
    { what: 'is away', mood: away, takes: 0 },
  ])('waits for a collector that $what no longer than it may', async ({ mood, takes }) => {
    const { clock, queue, dropped, answer } = bench();
    answer(mood);
    queue.push(spans(3), 1);
    let closed = false;
    void queue.close(2_000).then(() => (closed = true));
    await clock.advance(takes - 1);
    expect(closed).toBe(takes === 0);
    await clock.advance(1);
    expect(closed).toBe(true);
    expect(dropped).toEqual(['shutdown 3']);
    expect(queue.settledThrough).toBe(0);
  });
});
