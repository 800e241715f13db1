import { z } from 'zod';
import { eventTypes, type ComponentRecord, type Incident, type RecoveryEvent } from '../model/index.ts';

/** An event as its row holds it. */
export interface EventRow {
  readonly seq: number;
  readonly at: number;
  readonly type: string;
  readonly component: string | null;
  readonly incident: string | null;
  readonly body: string;
}

/** Only the envelope is checked: the rest was written by ourselves, from a typed value. */
const eventSchema = z.looseObject({ type: z.enum(eventTypes), at: z.number() });
const recordSchema = z.looseObject({ component: z.string(), state: z.looseObject({ is: z.string() }) });
const incidentSchema = z.looseObject({ id: z.string(), component: z.string(), openedAt: z.number() });

export function toRow(seq: number, event: RecoveryEvent): EventRow {
  const component = 'component' in event ? event.component : null;
  const { at, type, incident = null } = event;
  return { seq, at, type, component, incident, body: JSON.stringify(event) };
}

/** undefined for what this version does not know: a newer one may have written it. */
export function parseEvent(body: string): RecoveryEvent | undefined {
  return parse(body, eventSchema) as RecoveryEvent | undefined;
}

/** undefined for a record that cannot be read: the component then counts as never seen. */
export function parseRecord(body: string): ComponentRecord | undefined {
  return parse(body, recordSchema) as ComponentRecord | undefined;
}

/** undefined for an incident that cannot be read: nobody is told of it. */
export function parseIncident(body: string): Incident | undefined {
  return parse(body, incidentSchema) as Incident | undefined;
}

function parse(body: string, schema: z.ZodType): unknown {
  try {
    return schema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
