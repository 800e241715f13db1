import { sha256 } from '../digest.ts';
import type { ComponentName } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import { gearOf, split } from './chunker.ts';
import { plainText, type Cipher } from './cipher.ts';
import { decode, encode, readEncoding, writeEncoding, type Encoding } from './codec.ts';
import { FULL_EVERY_MS } from './plan.ts';
import { Refusal } from './refusal.ts';

const SWEEP_SLICE = 100;
/** 256 numbers of four bytes. */
const GEAR_BYTES = 1_024;

/**
 * The SQL of large states: cut into chunks, each stored once as long as it is no older than a full checkpoint may be.
 * So states share what they have in common, and one damaged chunk does not take all that is kept with it. With a key,
 * its hash is a keyed one, bound to the component, and where it is cut depends on the key: neither tells what is in it.
 */
export function createChunkTable(db: Database, cipher: Cipher = plainText) {
  const secret = cipher.derive('chunk boundaries', GEAR_BYTES);
  const gear = secret ? gearOf(secret) : undefined;
  const selectYoung = db
    .prepare<[string, number], number>(
      'SELECT number FROM chunk WHERE sha256 = ? AND at > ? ORDER BY number DESC LIMIT 1',
    )
    .pluck();
  const insertChunk = db.prepare('INSERT INTO chunk (sha256, at, encoding, bytes) VALUES (?, ?, ?, ?)');
  const insertPiece = db.prepare('INSERT INTO piece (checkpoint, place, chunk) VALUES (?, ?, ?)');
  const selectPieces = db.prepare<[string], PieceRow>(
    `SELECT chunk.number, encoding, bytes FROM piece JOIN chunk ON chunk.number = piece.chunk
     WHERE checkpoint = ? ORDER BY place`,
  );
  const retire = db.prepare('UPDATE chunk SET at = 0 WHERE number = ?');
  const deleteUnused = db.prepare(
    `DELETE FROM chunk WHERE number IN (
       SELECT number FROM chunk WHERE NOT EXISTS (SELECT 1 FROM piece WHERE piece.chunk = chunk.number)
       LIMIT ${SWEEP_SLICE})`,
  );

  return {
    /** Stores what is not there yet. @returns the hashes in their order, as the bytes of the record, and what it took. */
    store(component: ComponentName, json: Uint8Array, at: number) {
      const chunks: number[] = [];
      const hashes: string[] = [];
      let addedBytes = 0;
      for (const piece of split(json, gear)) {
        const hash = cipher.hash(`chunk of ${component}`, piece);
        hashes.push(hash);
        let chunk = selectYoung.get(hash, at - FULL_EVERY_MS);
        if (chunk === undefined) {
          const { encoding, bytes: packed } = encode(piece);
          const bytes = cipher.keyId === null ? packed : cipher.encrypt(packed, bindingOf(hash, encoding));
          chunk = Number(insertChunk.run(hash, at, writeEncoding(encoding, cipher.keyId), bytes).lastInsertRowid);
          addedBytes += bytes.byteLength;
        }
        chunks.push(chunk);
      }
      return { bytes: Buffer.from(JSON.stringify(hashes)), chunks, addedBytes };
    },

    /** @param checkpoint id of a record that is stored already. */
    link(checkpoint: string, chunks: readonly number[]): void {
      for (const [place, chunk] of chunks.entries()) insertPiece.run(checkpoint, place, chunk);
    },

    /** The JSON of a record. @param hashes its bytes. @throws when a chunk is not what it was. */
    read(checkpoint: string, hashes: Buffer): Buffer {
      const expected = JSON.parse(hashes.toString()) as string[];
      const rows = selectPieces.all(checkpoint);
      if (rows.length !== expected.length) throw new Error('a part of its bytes is not there');
      return Buffer.concat(rows.map((row, place) => open(row, expected[place] ?? '')));
    },

    /** A slice of what nothing is made of any more goes. @returns how much. */
    sweep: (): number => deleteUnused.run().changes,
  };

  function open({ number, encoding: stored, bytes }: PieceRow, hash: string): Buffer {
    const { encoding, key_id: keyId } = readEncoding(stored);
    try {
      if (keyId !== null) return decode(encoding as Encoding, cipher.decrypt(bytes, bindingOf(hash, encoding)));
      const json = decode(encoding as Encoding, bytes);
      if (sha256(json) === hash) return json;
    } catch (error) {
      // The key that it names beside its bytes is here: then they name another because they are not what was written.
      if (error instanceof Refusal && !cipher.keyIds.includes(keyId ?? '')) throw error;
      // As damaged as with another hash.
    }
    try {
      retire.run(number);
    } catch {
      // A full disk, or another's lock: the next who reads it retires it.
    }
    throw new Error('a part of its bytes does not match its checksum');
  }
}
export type ChunkTable = ReturnType<typeof createChunkTable>;

/** Whoever has the key and finds these bytes under this hash finds what was written there. */
const bindingOf = (hash: string, encoding: string): string => `chunk ${hash} ${encoding}`;

interface PieceRow {
  readonly number: number;
  readonly encoding: string;
  readonly bytes: Buffer;
}
