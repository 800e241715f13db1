import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { ComponentName } from '../model/index.ts';

/** How far a component has come: the place of its newest checkpoint, the number of its newest journal entry; 0: none. */
export interface Mark {
  readonly sequence: number;
  readonly entry: number;
}

export interface Slot extends Mark {
  /** What the database is known to hold of it: less than the mark, once a loss has been told. */
  readonly held: Mark;
}

const SLOT_BYTES = 256;
const NUMBERS = 4;
const NAME_AT = NUMBERS * 8 + 1;
const CRC_AT = SLOT_BYTES - 4;
const LONGEST_NAME = CRC_AT - NAME_AT;

/**
 * A small file beside the database that says how far each component has come: what it names and the database does not
 * hold is lost. SQLite itself says nothing when a flipped bit in the WAL makes it drop all commits after it.
 *
 * Written after each commit without waiting for the disk: it outlives the death of the process; after a power cut it may
 * lag by what the system had not written yet, and never claims more than was committed. A slot that is not whole
 * says nothing.
 */
export function openHighWater(file: string) {
  const slots = new Map<ComponentName, Slot>();
  const places = new Map<ComponentName, number>();
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  let count = Math.ceil(bytes.length / SLOT_BYTES);
  for (let place = 0; place < count; place++) {
    const read = readSlot(bytes.subarray(place * SLOT_BYTES, (place + 1) * SLOT_BYTES));
    if (!read) continue;
    slots.set(read.component, read.slot);
    places.set(read.component, place);
  }
  let fd: number | undefined;

  return {
    slots: slots as ReadonlyMap<ComponentName, Slot>,
    /** @throws what the file system says. */
    set(component: ComponentName, slot: Slot): void {
      if (Buffer.byteLength(component) > LONGEST_NAME) return;
      const place = places.get(component) ?? count++;
      places.set(component, place);
      slots.set(component, slot);
      fd ??= openSync(file, existsSync(file) ? 'r+' : 'w+', 0o600);
      writeSync(fd, slotBytes(component, slot), 0, SLOT_BYTES, place * SLOT_BYTES);
    },
    close(): void {
      if (fd !== undefined) closeSync(fd);
    },
  };
}
export type HighWater = ReturnType<typeof openHighWater>;

function slotBytes(component: ComponentName, { sequence, entry, held }: Slot): Buffer {
  const bytes = Buffer.alloc(SLOT_BYTES);
  for (const [index, value] of [sequence, entry, held.sequence, held.entry].entries())
    bytes.writeDoubleLE(value, index * 8);
  bytes.writeUInt8(bytes.write(component, NAME_AT), NUMBERS * 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

function readSlot(bytes: Buffer): { readonly component: ComponentName; readonly slot: Slot } | null {
  if (bytes.length < SLOT_BYTES || bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) return null;
  const length = bytes.readUInt8(NUMBERS * 8);
  const [sequence = 0, entry = 0, heldSequence = 0, heldEntry = 0] = Array.from({ length: NUMBERS }, (_, index) =>
    bytes.readDoubleLE(index * 8),
  );
  const component = bytes.toString('utf8', NAME_AT, NAME_AT + length) as ComponentName;
  return { component, slot: { sequence, entry, held: { sequence: heldSequence, entry: heldEntry } } };
}
