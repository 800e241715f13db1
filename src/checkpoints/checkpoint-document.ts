import { z } from 'zod';
import { canonicalJson, sha256 } from '../digest.ts';
import { iso } from '../format.ts';
import type { CheckpointId, CheckpointTrigger, ComponentName, EpochMs } from '../model/index.ts';
import { plainText, type Cipher } from './cipher.ts';

/*
 * A checkpoint as a file: JSON that people and programs read, and whose state is byte for byte what was sent; with a key
 * it is a text, the encrypted state in base64. `sha256` is that of the state as it lies there, `seal` that of all lines
 * before it.
 */

export interface DocumentHeader {
  readonly checkpoint_id: CheckpointId;
  readonly component: ComponentName;
  readonly at: EpochMs;
  readonly trigger: CheckpointTrigger;
  readonly schema_version: number;
  readonly through: number | null;
}

export interface CheckpointDocument extends DocumentHeader {
  /** Of the state as it lies in the file. */
  readonly sha256: string;
  /** Of the key that it was encrypted with. */
  readonly key_id: string | null;
  readonly state: Buffer;
}

const FORMAT = 1;
/** JSON writes no line break within a text: nothing else in the header is like it. */
const STATE = ',\n  "state": ';
const END = '\n}\n';

const headerSchema = z.strictObject({
  paramedic_checkpoint: z.literal(FORMAT),
  checkpoint_id: z.string(),
  component: z.string(),
  at: z.iso.datetime().transform((text) => Date.parse(text)),
  trigger: z.string(),
  schema_version: z.number(),
  through: z.number().nullable(),
  key_id: z.string().nullable().default(null),
  sha256: z.string(),
  seal: z.string(),
});

export function toDocument(header: DocumentHeader, state: Uint8Array, cipher: Cipher = plainText): Buffer {
  const { checkpoint_id, component, at, trigger, schema_version, through } = header;
  const named = {
    paramedic_checkpoint: FORMAT,
    checkpoint_id,
    component,
    at: iso(at),
    trigger,
    schema_version,
    through,
  };
  const { keyId } = cipher;
  const body = keyId === null ? state : Buffer.from(`"${cipher.encrypt(state, bindingOf(named)).toString('base64')}"`);
  const lines = { ...named, ...(keyId !== null && { key_id: keyId }), sha256: sha256(body) };
  const head = JSON.stringify({ ...lines, seal: sha256(canonicalJson(lines)) }, null, 2).replace(/\n\}$/, '');
  return Buffer.concat([Buffer.from(head + STATE), body, Buffer.from(END)]);
}

/** @throws Error saying what is wrong with it. */
export function parseDocument(bytes: Buffer, cipher: Cipher = plainText): CheckpointDocument {
  const stateAt = bytes.indexOf(STATE);
  const isWhole = stateAt !== -1 && bytes.subarray(-END.length).toString() === END;
  if (!isWhole) throw new Error('it is no checkpoint, or not all of one');
  const body = bytes.subarray(stateAt + STATE.length, -END.length);
  const head = parseHead(bytes.toString('utf8', 0, stateAt));
  const { seal, ...lines } = head;
  const header = headerSchema.safeParse(head);
  if (!header.success || seal !== sha256(canonicalJson(lines))) throw new Error('its lines do not match its seal');
  if (sha256(body) !== header.data.sha256) throw new Error('its state does not match its checksum');
  const { paramedic_checkpoint: _, seal: __, ...named } = header.data;
  const { key_id: keyId } = named;
  if (keyId === null) return { ...named, state: body } as CheckpointDocument;
  if (!cipher.keyIds.includes(keyId)) throw new Error(`it is encrypted with the key ${keyId}, which is not configured`);
  const { key_id: ___, sha256: ____, seal: _____, ...bound } = head;
  const state = cipher.decrypt(Buffer.from(body.toString(), 'base64'), bindingOf(bound));
  return { ...named, state } as CheckpointDocument;
}

/** What encrypted bytes belong to. */
const bindingOf = (lines: Readonly<Record<string, unknown>>): string => `checkpoint file ${canonicalJson(lines)}`;

function parseHead(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(`${text}}`) as Record<string, unknown>;
  } catch {
    throw new Error('its lines are damaged');
  }
}
