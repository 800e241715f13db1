import type { TraceContext } from '../../model/index.ts';

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** Something that happened at one moment within a span. */
export interface SpanEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

/** One span as a plain value, drawn after it has ended. Times are milliseconds since 1970. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** null: the root of its trace. */
  readonly parentId: string | null;
  /** Carries no ids: spans of one kind have one name. */
  readonly name: string;
  readonly kind: 'internal' | 'server';
  readonly startMs: number;
  /** Never before `startMs`, whatever the clock did. */
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly TraceContext[];
  /** Set exactly when what the span tells of has failed. */
  readonly errorType: string | null;
}

/** What most spans leave out. */
interface Sketch {
  readonly name: string;
  readonly parentId: string | null;
  readonly from: number;
  readonly to: number;
  readonly kind?: Span['kind'];
  /** What is not known is left out. */
  readonly attributes?: Readonly<Record<string, AttributeValue | null | undefined>>;
  readonly events?: readonly SpanEvent[];
  readonly links?: readonly TraceContext[];
  readonly errorType?: string | null;
}

/** Completes a sketch; `from` and `to` may be the wrong way round after a jump of the clock. */
export function draw({ traceId, spanId }: TraceContext, sketch: Sketch): Span {
  const { name, parentId, from, to, kind = 'internal', attributes = {}, errorType = null } = sketch;
  const known = Object.entries(attributes).filter(
    (entry): entry is [string, AttributeValue] => entry[1] !== null && entry[1] !== undefined,
  );
  return {
    traceId,
    spanId,
    parentId,
    name,
    kind,
    startMs: from,
    endMs: Math.max(from, to),
    attributes: Object.fromEntries(errorType === null ? known : [...known, ['error.type', errorType]]),
    events: sketch.events ?? [],
    links: sketch.links ?? [],
    errorType,
  };
}

export const inSeconds = (ms: number | null | undefined): number | null | undefined =>
  typeof ms === 'number' ? ms / 1_000 : ms;
