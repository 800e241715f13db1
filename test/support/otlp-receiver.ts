import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'protobufjs';
import { onTestFinished } from 'vitest';
import { until, type Lifetime } from './temp.ts';

/** What of opentelemetry/proto/collector/trace/v1 we send. */
const PROTO = `
  syntax = "proto3";
  message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
  message InstrumentationScope { string name = 1; string version = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
    int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Event events = 11; repeated Link links = 13; Status status = 15;
    fixed32 flags = 16;
  }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
  }
`;
const requests = protobuf.parse(PROTO, { keepCase: false }).root.lookupType('ExportTraceServiceRequest');

type Values = Readonly<Record<string, unknown>>;
interface KeyValue {
  readonly key: string;
  readonly value?: Values;
}

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: the root. */
  readonly parentId: string;
  readonly name: string;
  /** 1 internal, 2 server. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Values;
  readonly events: readonly string[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 unset, 2 error. */
  readonly status: number;
  readonly resource: Values;
  readonly scope: string;
}

/** How the next requests are answered: a status, or never. */
export type Mood = number | 'hang';

/** A collector that understands OTLP over HTTP, keeps what it accepts, and can be in a bad mood. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  mood: Mood = 200;
  requests = 0;
  #url = '';
  readonly #server = createServer((request, response) => this.#hear(request, response));

  /** @param port 0: any free one. */
  static async open(port = 0, lifetime: Lifetime = onTestFinished): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(port, '127.0.0.1', resolve));
    receiver.#url = `http://127.0.0.1:${(receiver.#server.address() as AddressInfo).port}`;
    lifetime(() => receiver.close());
    return receiver;
  }

  get url(): string {
    return this.#url;
  }

  get port(): number {
    return Number(new URL(this.#url).port);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The spans of a trace; the last of those that came more than once. */
  trace(traceId: string): ReceivedSpan[] {
    return [...new Map(this.spans.filter((span) => span.traceId === traceId).map((one) => [one.spanId, one])).values()];
  }

  /** Waits until a span has come. */
  until(what: string, matches: (span: ReceivedSpan) => boolean, timeoutMs = 15_000): Promise<ReceivedSpan> {
    return until(what, () => this.spans.find(matches), timeoutMs);
  }

  #hear(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (this.mood === 'hang') return;
      const fits = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
      const status = fits ? this.mood : 404;
      if (status === 200) {
        this.headers.push(request.headers);
        this.spans.push(...decode(Buffer.concat(parts)));
      }
      response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end();
    });
  }
}

interface Wire {
  readonly resourceSpans: {
    readonly resource: { readonly attributes: KeyValue[] };
    readonly scopeSpans: {
      readonly scope: { readonly name: string; readonly version: string };
      readonly spans: WireSpan[];
    }[];
  }[];
}
interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: KeyValue[];
  readonly events: { readonly name: string }[];
  readonly links: { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code: number } | null;
}

function decode(body: Buffer): ReceivedSpan[] {
  const { resourceSpans } = requests.toObject(requests.decode(body), {
    bytes: String,
    longs: String,
    defaults: true,
    oneofs: false,
  }) as Wire;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentId: hex(span.parentSpanId),
        name: span.name,
        kind: span.kind,
        startMs: Number(BigInt(span.startTimeUnixNano) / 1_000n) / 1_000,
        endMs: Number(BigInt(span.endTimeUnixNano) / 1_000n) / 1_000,
        attributes: plain(span.attributes),
        events: span.events.map(({ name }) => name),
        links: span.links.map((link) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        status: span.status?.code ?? 0,
        resource: plain(resource.attributes),
        scope: `${scope.name} ${scope.version}`,
      })),
    ),
  );
}

const hex = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

const plain = (attributes: readonly KeyValue[]): Values =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value ?? {})]));

function valueOf(value: Values): unknown {
  if ('intValue' in value) return Number(value['intValue']);
  return value['stringValue'] ?? value['boolValue'] ?? value['doubleValue'];
}
