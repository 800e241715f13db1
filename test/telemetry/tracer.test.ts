import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RecoveryEvent } from '../../src/model/index.ts';
import { openEventStore } from '../../src/storage/index.ts';
import type { Delivery } from '../../src/telemetry/span-queue.ts';
import type { Span } from '../../src/telemetry/spans/span.ts';
import { createTracer } from '../../src/telemetry/tracer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';
import { samples } from './events.ts';
import { begun, decided, finished, incident, opened, ready, resolved, tell, started, starting } from './spans/story.ts';

/** One daemon after the other on one file: each with a store, a tracer and a collector. */
function daemon(file: string, clock: FakeClock, deliver: () => Delivery = () => ({ kind: 'accepted' })) {
  const { store } = openEventStore(file, { clock, onError: () => {}, onWritable: () => {} });
  const spans: Span[] = [];
  const told: RecoveryEvent[] = [];
  let opens = 0;
  const tracer = createTracer({
    clock,
    store,
    emit: (...events) => void told.push(...events),
    facts: () => null,
    traces: { sample_healthy_checks: 'auto' },
    openSink() {
      opens++;
      return Promise.resolve({
        send(batch: readonly Span[]) {
          const delivery = deliver();
          if (delivery.kind === 'accepted') spans.push(...batch);
          return Promise.resolve(delivery);
        },
      });
    },
    onTrouble: () => {},
  });
  return {
    store,
    tracer,
    spans,
    told,
    opens: () => opens,
    names: () => spans.map(({ name }) => name.replace('paramedic.', '')),
    state(...events: readonly RecoveryEvent[]) {
      const seqs = store.append(events, []);
      for (const [n, event] of events.entries()) tracer.hear(event, seqs[n] ?? null);
    },
  };
}

const hang = tell(0, 'check.tripped', { ...samples['check.tripped'] });
const beginning = [opened(0), hang, decided(0), begun(0), starting(1, 2)];
const rest = [started(2, 2), ready(3, 2), finished(3), resolved(3)];
const dead: Delivery = { kind: 'away', why: 'nobody there' };

describe('a tracer', () => {
  it('draws what an earlier daemon has begun', async () => {
    const [file, clock] = [join(tempFolder(), 'events.db'), new FakeClock()];
    const first = daemon(file, clock);
    first.state(...beginning);
    await clock.advance(1_000);
    expect(first.names()).toEqual([]);
    expect(first.opens()).toBe(0);
    first.store.close();

    const second = daemon(file, clock);
    second.state(...rest);
    await clock.advance(1_000);
    expect(second.names()).toEqual(
      expect.arrayContaining([
        'recovery',
        'detect',
        'decide',
        'act',
        'restart',
        'start',
        'ready',
        'verify',
        'incident',
      ]),
    );
    expect(new Set(second.spans.map(({ traceId }) => traceId))).toEqual(new Set([incident]));
    expect(second.told).toEqual([
      expect.objectContaining({ type: 'telemetry.exported', items: second.spans.length, sink: 'otlp_traces' }),
    ]);
    second.store.close();
  });

  it('sends what an earlier daemon could not, the same spans, and nothing twice', async () => {
    const [file, clock] = [join(tempFolder(), 'events.db'), new FakeClock()];
    let mood: Delivery = { kind: 'accepted' };
    const first = daemon(file, clock, () => mood);
    first.state(samples['checkpoint.written']);
    await clock.advance(1_000);
    mood = dead;
    first.state(...beginning, ...rest);
    await clock.advance(1_000);
    expect(first.names()).toEqual(['checkpoint.write']);
    first.store.close();

    const second = daemon(file, clock);
    await clock.advance(2_000);
    const drawn = second.spans.filter(({ name }) => name !== 'paramedic.checkpoint.write');
    expect(drawn.map(({ name }) => name)).toContain('paramedic.incident');
    expect(second.names()).not.toContain('checkpoint.write');
    second.store.close();

    const third = daemon(file, clock);
    await clock.advance(60_000);
    expect(third.spans).toEqual([]);
    third.store.close();
  });

  it('begins with now when it is switched on, and does not tell of what is older than an hour', async () => {
    const [file, clock] = [join(tempFolder(), 'events.db'), new FakeClock()];
    const off = openEventStore(file, { clock, onError: () => {}, onWritable: () => {} });
    off.store.append([...beginning, ...rest], []);
    off.store.close();
    const first = daemon(file, clock, () => dead);
    await clock.advance(5_000);
    expect(first.opens()).toBe(0);
    first.state(...beginning, ...rest);
    await clock.advance(5_000);
    first.store.close();
    await clock.advance(3_600_001);
    const second = daemon(file, clock);
    await clock.advance(5_000);
    expect(second.spans).toEqual([]);
    second.store.close();
  });

  it('tells where an event stands, but of no run of a check that is left out', async () => {
    const [file, clock] = [join(tempFolder(), 'events.db'), new FakeClock()];
    const { tracer, state, told, store } = daemon(file, clock);
    const end = finished(3);
    state(...beginning, end);
    expect(tracer.placeOf(end)).toEqual({ traceId: incident, spanId: 'b'.repeat(16) });
    expect(tracer.placeOf(beginning[1]!)).toEqual({ traceId: incident, spanId: incident.slice(0, 16) });

    const runs = Array.from({ length: 300 }, (_, n) => ({
      ...samples['check.completed'],
      outcome: 'healthy' as const,
      at: (samples['check.completed'].at + n) as typeof end.at,
    }));
    state(...runs);
    expect(tracer.placeOf(runs[0]!)).toBeDefined();
    const kept = runs.filter((run) => tracer.placeOf(run)).length;
    expect(kept).toBeGreaterThanOrEqual(50);
    expect(kept).toBeLessThan(70);
    await clock.advance(1_000);
    expect(told).toContainEqual(expect.objectContaining({ reason: 'sampled', items: 300 - kept }));
    await tracer.close();
    store.close();
  });

  it('counts the spans of a collector that stays away for good, and says so once a minute at most', async () => {
    const [file, clock] = [join(tempFolder(), 'events.db'), new FakeClock()];
    const { tracer, state, told, store } = daemon(file, clock, () => dead);
    for (let minute = 0; minute < 20; minute++) {
      for (let n = 0; n < 100; n++) state(...Array.from({ length: 10 }, () => samples['checkpoint.written']));
      await clock.advance(60_000);
    }
    const lost = told.flatMap((event) => (event.type === 'telemetry.dropped' ? [event.items] : []));
    expect(lost.reduce((sum, items) => sum + items, 0)).toBe(20_000 - 8_192);
    expect(lost.length).toBeLessThanOrEqual(13);
    await tracer.close();
    expect(told.at(-1)).toMatchObject({ type: 'telemetry.dropped', reason: 'shutdown', items: 8_192 });
    store.close();
  });
});
