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
const SLOTS_OF_A_PAGE = 4_096 / SLOT_BYTES;
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
  /** What the file holds. */
  let bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  let count = Math.ceil(bytes.length / SLOT_BYTES);
  const slotAt = (place: number): Buffer => bytes.subarray(place * SLOT_BYTES, (place + 1) * SLOT_BYTES);
  for (let place = 0; place < count; place++) {
    const read = readSlot(slotAt(place));
    if (!read) continue;
    slots.set(read.component, read.slot);
    places.set(read.component, place);
  }
  let fd: number | undefined;

  function placeOf(component: ComponentName): number {
    const place = places.get(component) ?? count++;
    places.set(component, place);
    if (count * SLOT_BYTES > bytes.length) bytes = Buffer.concat([bytes], Math.max(count * 2, 64) * SLOT_BYTES);
    return place;
  }

  return {
    slots: slots as ReadonlyMap<ComponentName, Slot>,
    /** @throws what the file system says. */
    set(changed: ReadonlyMap<ComponentName, Slot>): void {
      const written: number[] = [];
      for (const [component, slot] of changed) {
        if (Buffer.byteLength(component) > LONGEST_NAME) continue;
        const place = placeOf(component);
        slots.set(component, slot);
        writeSlot(slotAt(place), component, slot);
        written.push(place);
      }
      if (written.length === 0) return;
      fd ??= openSync(file, existsSync(file) ? 'r+' : 'w+', 0o600);
      for (const [first, last] of runsOf(written))
        writeSync(fd, bytes, first * SLOT_BYTES, (last + 1 - first) * SLOT_BYTES, first * SLOT_BYTES);
    },
    close(): void {
      if (fd !== undefined) closeSync(fd);
    },
  };
}
export type HighWater = ReturnType<typeof openHighWater>;

/** Places that are written with one call, the first and the last of each: what lies in between costs less than another. */
function runsOf(places: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const place of places.toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && place - run[1] <= SLOTS_OF_A_PAGE) run[1] = place;
    else runs.push([place, place]);
  }
  return runs;
}

function writeSlot(bytes: Buffer, component: ComponentName, { sequence, entry, held }: Slot): void {
  bytes.fill(0);
  bytes.writeDoubleLE(sequence, 0);
  bytes.writeDoubleLE(entry, 8);
  bytes.writeDoubleLE(held.sequence, 16);
  bytes.writeDoubleLE(held.entry, 24);
  bytes.writeUInt8(bytes.write(component, NAME_AT), NUMBERS * 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT);
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
