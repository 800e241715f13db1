import { hostname } from 'node:os';
import type { Clock } from '../clock.ts';
import { sentenceOf } from '../errors.ts';
import type {
  ComponentName,
  ComponentRecord,
  Emit,
  EpochMs,
  EventOf,
  EventType,
  IncidentId,
  RecoveryEvent,
  TelemetrySink,
  TraceContext,
} from '../model/index.ts';
import { CheckSampler } from './check-sampler.ts';
import { Drops } from './drops.ts';
import { resourceOf } from './resource.ts';
import type { TelemetryPolicy } from './schema.ts';
import { QUEUE_CAPACITY, SpanQueue, type SpanSink } from './span-queue.ts';
import type { DrawingContext } from './spans/context.ts';
import { drawnFrom, toSpans } from './spans/to-spans.ts';
import { Verifications } from './spans/verifications.ts';
import { placeOf } from './trace-ids.ts';

/** The part of an event store that spans are drawn from. */
export interface TraceStore {
  timeline(incident: IncidentId): readonly { readonly event: RecoveryEvent }[];
  since(types: readonly EventType[], at: EpochMs): readonly RecoveryEvent[];
  lastOf<T extends EventType>(type: T, component: ComponentName): EventOf<T> | undefined;
  missed(types: readonly EventType[], seq: number, at: EpochMs): readonly { seq: number; event: RecoveryEvent }[];
  cursor(name: string): number | undefined;
  moveCursor(name: string, seq: number): void;
  lastSeq(): number;
  records(): readonly ComponentRecord[];
}

export interface TracerDeps {
  readonly clock: Clock;
  readonly store: TraceStore;
  readonly emit: Emit;
  readonly facts: DrawingContext['facts'];
  readonly traces: TelemetryPolicy['traces'];
  /** Asked when there is something to export for the first time. */
  readonly openSink: () => Promise<SpanSink>;
  /** Hears of a collector that does not take what it is sent, once until it does again. */
  readonly onTrouble: (why: string) => void;
}

/** Turns events into spans and sends them. Costs whoever states a fact nothing, whatever the collector does. */
export interface Tracer {
  /** Hears each event once, in order. */
  hear(event: RecoveryEvent, seq: number | null): void;
  /** The span that tells of an event just heard; undefined: none that is exported. */
  placeOf(event: RecoveryEvent): TraceContext | undefined;
  queue(): { readonly sink: TelemetrySink; readonly length: number; readonly capacity: number };
  /** Exports what waits, for two seconds at most. */
  close(): Promise<void>;
}

const SINK = 'otlp_traces';
/** What is older when a daemon comes back is of no use to anybody. */
const OLDEST_MS = 3_600_000;
/** Redrawn a few at a time: the loop is not held up. */
const SLICE = 20;
const SLICE_MS = 50;
const CLOSE_MS = 2_000;

export function createTracer({ clock, store, emit, facts, traces, openSink, onTrouble }: TracerDeps): Tracer {
  const sampler = new CheckSampler(traces.sample_healthy_checks, () => clock.monotonic());
  const verifications = new Verifications(store);
  const context: DrawingContext = {
    timeline: (incident) => store.timeline(incident).map(({ event }) => event),
    since: (types, at) => store.since(types, at),
    lastOf: (type, component) => store.lastOf(type, component),
    verifying: (component) => verifications.of(component),
    facts,
  };
  const drops = new Drops(clock, (reason, items) =>
    emit({ type: 'telemetry.dropped', at: clock.now(), sink: SINK, reason, items }),
  );
  const queue = new SpanQueue({
    clock,
    sink: lazily(openSink),
    onDropped: (reason, items) => drops.add(reason, items),
    onAccepted(items) {
      emit({ type: 'telemetry.exported', at: clock.now(), sink: SINK, items });
      rememberPosition();
    },
    onTrouble,
  });
  const places = new WeakMap<RecoveryEvent, TraceContext>();

  let position = store.cursor(SINK) ?? store.lastSeq();
  store.moveCursor(SINK, position);
  /** What an earlier daemon did not get rid of. */
  const missed = store.missed(drawnFrom, position, (clock.now() - OLDEST_MS) as EpochMs).map((one) => ({ ...one }));
  let cancelSlice = missed.length > 0 ? clock.after(SLICE_MS, redraw) : () => {};

  function redraw(): void {
    for (const { seq, event } of missed.splice(0, SLICE)) queue.push(toSpans(event, context), seq);
    if (missed.length > 0) cancelSlice = clock.after(SLICE_MS, redraw);
  }

  function rememberPosition(): void {
    const through = Math.min(queue.settledThrough, (missed[0]?.seq ?? Infinity) - 1);
    if (through <= position) return;
    position = through;
    store.moveCursor(SINK, position);
  }

  return {
    hear(event, seq) {
      verifications.read(event);
      if (event.type === 'component.removed') sampler.forget(event.component);
      if (event.type === 'check.completed' && !sampler.keeps(event)) return drops.add('sampled', 1);
      const spans = toSpans(event, context);
      // A crash belongs to its incident, even if it cut a start short that did not.
      const place = event.type === 'component.crashed' ? placeOf(event) : (spans[0] ?? placeOf(event));
      if (place) places.set(event, { traceId: place.traceId, spanId: place.spanId });
      if (spans.length > 0) queue.push(spans, seq);
    },
    placeOf: (event) => places.get(event),
    queue: () => ({ sink: SINK, length: queue.length, capacity: QUEUE_CAPACITY }),
    async close() {
      cancelSlice();
      await queue.close(CLOSE_MS);
      drops.flush();
    },
  };
}

/** OpenTelemetry is loaded with the first export. One that cannot be loaded is a collector that is away. */
function lazily(open: () => Promise<SpanSink>): SpanSink {
  let sink: Promise<SpanSink> | undefined;
  return {
    async send(spans) {
      sink ??= open();
      try {
        return await (await sink).send(spans);
      } catch (error) {
        sink = undefined;
        return { kind: 'away', why: sentenceOf(error) };
      }
    },
  };
}

export interface OtlpDeps {
  readonly otlp: NonNullable<TelemetryPolicy['otlp']>;
  readonly version: string;
  /** What Prometheus calls us: `host:port`. */
  readonly instance: string;
}

/** The collector of the configuration. */
export async function openOtlp({ otlp, version, instance }: OtlpDeps): Promise<SpanSink> {
  const { createOtlpSink } = await import('./otel.ts');
  const { env, pid, version: nodeVersion } = process;
  return createOtlpSink({
    endpoint: otlp.endpoint,
    headers: otlp.headers,
    timeoutMs: otlp.timeout,
    version,
    resource: resourceOf({ version, instance, hostName: hostname(), pid, nodeVersion, env }),
  });
}
