import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { sentenceOf } from '../errors.ts';
import type { Delivery, SpanSink } from './span-queue.ts';
import type { Attributes, Span } from './spans/span.ts';

/*
 * The only home of OpenTelemetry, loaded when an endpoint is configured and not before. It sends what we have drawn;
 * queue, retries and drops are ours.
 */

export interface OtlpOptions {
  /** Up to and without `/v1/traces`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For one export with the exporter's own retries. */
  readonly timeoutMs: number;
  readonly resource: Attributes;
  readonly version: string;
}

const SCOPE = 'paramedic-core';

export function createOtlpSink({ endpoint, headers, timeoutMs, resource, version }: OtlpOptions): SpanSink {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    keepAlive: true,
  });
  const about = { resource: toResource(resource), instrumentationScope: { name: SCOPE, version } };
  return {
    send: (spans) =>
      new Promise((resolve) => {
        try {
          exporter.export(
            spans.map((span) => toReadable(span, about)),
            ({ error }) => resolve(error ? judge(error) : { kind: 'accepted' }),
          );
        } catch (error) {
          resolve({ kind: 'lost', reason: 'serialize_error', why: sentenceOf(error) });
        }
      }),
  };
}

/** Statuses that say: later. */
const LATER = new Set([408, 429]);

/** An answer that refuses is final, a server in trouble or none at all is not. */
function judge(error: Error): Delivery {
  const why = sentenceOf(error);
  const { code } = error as Error & { code?: unknown };
  const refused = typeof code === 'number' && code >= 400 && code < 500 && !LATER.has(code);
  return refused ? { kind: 'lost', reason: 'export_failed', why: `${code} ${why}` } : { kind: 'away', why };
}

type About = Pick<ReadableSpan, 'resource' | 'instrumentationScope'>;

export function toReadable(span: Span, about: About): ReadableSpan {
  const { traceId, parentId, errorType } = span;
  const context = contextOf(traceId, span.spanId);
  return {
    ...about,
    name: span.name,
    kind: span.kind === 'server' ? SpanKind.SERVER : SpanKind.INTERNAL,
    spanContext: () => context,
    ...(parentId === null ? {} : { parentSpanContext: contextOf(traceId, parentId) }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.endMs),
    duration: hrTime(span.endMs - span.startMs),
    status: errorType === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: errorType },
    attributes: span.attributes,
    links: span.links.map((link) => ({ context: contextOf(link.traceId, link.spanId) })),
    events: span.events.map(({ name, atMs, attributes }) => ({ name, time: hrTime(atMs), attributes })),
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const contextOf = (traceId: string, spanId: string): SpanContext => ({
  traceId,
  spanId,
  traceFlags: TraceFlags.SAMPLED,
});

const hrTime = (ms: number): HrTime => {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1e6)];
};

function toResource(attributes: Attributes): ReadableSpan['resource'] {
  const resource: ReadableSpan['resource'] = {
    attributes,
    merge: () => resource,
    getRawAttributes: () => Object.entries(attributes),
  };
  return resource;
}
