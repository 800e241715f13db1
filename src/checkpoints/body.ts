import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { sentenceOf } from '../errors.ts';
import { MOST_LEVELS } from './bounds.ts';
import { bufferOf } from './bytes.ts';
import { elementsIn, memberIn } from './json-members.ts';
import { inspectJson } from './json-text.ts';
import { bodyInvalid } from './refusal.ts';

export interface PutBody {
  /** The JSON of the state, as it was sent. */
  readonly state: Uint8Array;
  /** The same, parsed. */
  readonly value: unknown;
  /** JavaScript reads and writes it without changing it. */
  readonly exact: boolean;
  /** undefined: it is not said. */
  readonly schema_version?: number | undefined;
  readonly through: number | null;
}

export interface PatchBody {
  readonly base: string;
  readonly operations: readonly unknown[];
  /** What the operations take the state's shape to be; undefined: that of `base`, whatever it is. */
  readonly schema_version?: number | undefined;
  readonly through: number | null;
}

const whole = z.number().int().min(0);
const putSchema = z.strictObject({
  state: z.unknown(),
  schema_version: whole.optional(),
  through: whole.nullable().default(null),
});
const patchSchema = z.strictObject({
  base: z.string().min(1).max(100),
  operations: z.array(z.unknown()).max(10_000),
  schema_version: whole.optional(),
  through: whole.nullable().default(null),
});
const entrySchema = z.strictObject({
  operation: z.string().min(1).max(200),
  data: z.unknown().default(null),
  id: z.string().min(1).max(200).optional(),
  schema_version: whole.optional(),
});
const entriesSchema = z.array(entrySchema).max(1_000);
export interface EntryBody extends Omit<z.output<typeof entrySchema>, 'data'> {
  /** JSON, as it was sent. */
  readonly data: string;
}

const PREFIX = '{"state":';
const TAIL = /(?:,"schema_version":(\d{1,9}))?(?:,"through":(\d{1,15}))?\}$/;

/**
 * Reads the body of `PUT state`.
 * @throws Refusal BODY_INVALID
 */
export function parsePut(bytes: Uint8Array): PutBody {
  const { text, exact } = textOf(bytes);
  const inPlace = parseInPlace(text, exact, bytes);
  if (inPlace) return inPlace;
  const body = parseJson(text);
  if (typeof body === 'object' && body !== null && !('state' in body)) throw bodyInvalid('state', 'is missing');
  const { state: value, ...rest } = check(putSchema, body);
  const state = memberIn(bytes, 'state') ?? Buffer.from(JSON.stringify(value));
  return { ...rest, state, value, exact };
}

/**
 * Reads the body of `PATCH state`.
 * @throws Refusal BODY_INVALID
 */
export function parsePatch(bytes: Uint8Array): PatchBody {
  const { text, exact } = textOf(bytes);
  const body = check(patchSchema, parseJson(text));
  if (exact) return body;
  const why = 'hold a number that JavaScript cannot: send the whole state with PUT, which stores it as it is';
  throw bodyInvalid('operations', why);
}

/**
 * The form that our client sends: the state lies between a fixed beginning and end. When what lies between is JSON,
 * there is no other way to read the body, so it need not be looked through for where that is.
 */
function parseInPlace(text: string, exact: boolean, bytes: Uint8Array): PutBody | undefined {
  const tail = TAIL.exec(text.slice(-80));
  if (!tail || !text.startsWith(PREFIX)) return undefined;
  const [ending, version, through] = tail;
  const json = text.slice(PREFIX.length, text.length - ending.length);
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  return {
    state: bytes.subarray(PREFIX.length, bytes.byteLength - ending.length),
    value,
    exact,
    schema_version: version === undefined ? undefined : Number(version),
    through: through === undefined ? null : Number(through),
  };
}

/**
 * Reads the body of `POST journal`: one entry, or a list of at most 1,000.
 * @throws Refusal BODY_INVALID
 */
export function parseEntries(bytes: Uint8Array): { readonly entries: readonly EntryBody[]; readonly isList: boolean } {
  const body = parseJson(textOf(bytes).text);
  if (!Array.isArray(body)) return { entries: [asSent(check(entrySchema, body), bytes)], isList: false };
  const entries = check(entriesSchema, body);
  const elements = elementsIn(bytes);
  return { entries: entries.map((entry, index) => asSent(entry, elements[index])), isList: true };
}

/** @param bytes of the entry. */
function asSent({ data, ...entry }: z.output<typeof entrySchema>, bytes: Uint8Array | undefined): EntryBody {
  const sent = bytes && memberIn(bytes, 'data');
  return {
    ...entry,
    data: sent ? bufferOf(sent).toString() : JSON.stringify(data),
  };
}

function textOf(bytes: Uint8Array): { readonly text: string; readonly exact: boolean } {
  if (!isUtf8(bytes)) throw bodyInvalid('', 'is not UTF-8');
  const { levels, exact } = inspectJson(bytes);
  if (levels > MOST_LEVELS) throw bodyInvalid('', `is nested deeper than ${MOST_LEVELS} levels`);
  return { text: bufferOf(bytes).toString(), exact };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bodyInvalid('', `is not JSON: ${sentenceOf(error)}`);
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  throw bodyInvalid(issue?.path.join('.') ?? '', issue?.message ?? 'is not as expected');
}
