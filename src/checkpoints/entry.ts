import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { ComponentName } from '../model/index.ts';
import type { EntryBody } from './body.ts';
import type { Cipher } from './cipher.ts';
import { Refusal } from './refusal.ts';

/*
 * One entry of the journal as it lies in its row. Encrypted, operation and data are one stretch of bytes.
 */

const entryRow = z.object({
  entry_id: z.number(),
  at: z.number(),
  client_id: z.string().nullable(),
  operation: z.string(),
  /** JSON; bytes: operation and data, encrypted. */
  data: z.union([z.string(), z.instanceof(Buffer)]),
  previous: z.number().nullable(),
  crc: z.number().nullable(),
  schema_version: z.number().nullable(),
});
export type EntryRow = z.output<typeof entryRow>;

/** All but what it says. */
export type EntryPlace = Omit<EntryRow, 'operation' | 'data' | 'crc'>;

/** …with what it says in its own JSON. */
export interface OpenEntry extends EntryPlace {
  readonly operation: string;
  readonly data: string;
}

/** What an encrypted entry belongs to, and nothing else. */
const bindingOf = (component: ComponentName, place: EntryPlace): string =>
  `entry ${JSON.stringify([component, place.entry_id, place.at, place.client_id, place.previous, place.schema_version])}`;

export function packEntry(
  component: ComponentName,
  place: EntryPlace,
  { operation, data: json }: EntryBody,
  cipher: Cipher,
): EntryRow {
  // JSON has no line break in its texts.
  const text = () => Buffer.from(`${JSON.stringify(operation)}\n${json}`);
  const row =
    cipher.keyId === null
      ? { ...place, operation, data: json }
      : { ...place, operation: '', data: cipher.encrypt(text(), bindingOf(component, place)) };
  return { ...row, crc: checksum(component, row) };
}

/** null: it is damaged. @throws Refusal STATE_LOCKED */
export function readEntry(component: ComponentName, row: unknown, cipher: Cipher): OpenEntry | null {
  try {
    const read = entryRow.parse(row);
    if (read.crc !== null && read.crc !== checksum(component, read)) return null;
    const opened = open(component, read, cipher);
    JSON.parse(opened.data);
    return opened;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    return null;
  }
}

function open(component: ComponentName, { data, ...row }: EntryRow, cipher: Cipher): OpenEntry {
  if (typeof data === 'string') return { ...row, data };
  const text = cipher.decrypt(data, bindingOf(component, row)).toString();
  const end = text.indexOf('\n');
  return { ...row, operation: JSON.parse(text.slice(0, end)) as string, data: text.slice(end + 1) };
}

/** Of all that is stored of an entry: every flipped bit shows. */
function checksum(component: ComponentName, row: Omit<EntryRow, 'crc'>): number {
  const { data, schema_version: version } = row;
  const fields = [row.entry_id, row.previous, component, row.at, row.client_id, row.operation];
  if (typeof data !== 'string') return crc32(data, crc32(JSON.stringify([...fields, version])));
  // What was stored before there were schema versions keeps its checksum.
  return crc32(JSON.stringify(version === null ? [...fields, data] : [...fields, data, version]));
}

/** As a `JournalEntry`. */
export const jsonOf = ({ entry_id, at, operation, data, schema_version: version }: OpenEntry): string =>
  `{"entry_id":${entry_id},"at":${at},"operation":${JSON.stringify(operation)},"data":${data},"schema_version":${version}}`;
