import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { EpochMs } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import type { Cipher } from './cipher.ts';
import type { Rekeyed } from './protocol.ts';
import { locked } from './refusal.ts';

/** A key that records may be encrypted with. The newest numbers are those of when another took over; null: it is in use. */
const keyRow = z.object({
  key_id: z.string(),
  since: z.number(),
  last_checkpoint: z.number().nullable(),
  last_chunk: z.number().nullable(),
  last_entry: z.number().nullable(),
  crc: z.number(),
});
type KeyRow = z.output<typeof keyRow>;

/** Stands for what was written before there was a key. */
const PLAIN = '';

/**
 * The SQL of the keys: each that was ever written with has a row as long as something is encrypted with it, so that a
 * key which is missing is noticed before anything is read, or written in plain text.
 */
export function createKeyTable(db: Database, { keyId, keyIds }: Cipher) {
  const selectAll = db.prepare(
    'SELECT key_id, since, last_checkpoint, last_chunk, last_entry, crc FROM encryption_key',
  );
  const replace = db.prepare(
    `INSERT OR REPLACE INTO encryption_key (key_id, since, last_checkpoint, last_chunk, last_entry, crc)
     VALUES ($key_id, $since, $last_checkpoint, $last_chunk, $last_entry, $crc)`,
  );
  const remove = db.prepare<[string]>('DELETE FROM encryption_key WHERE key_id = ?');
  const selectNewest = db.prepare<[], Newest>(
    `SELECT (SELECT max(number) FROM checkpoint) AS last_checkpoint, (SELECT max(number) FROM chunk) AS last_chunk,
       (SELECT max(entry_id) FROM journal) AS last_entry`,
  );
  const selectCounts = db.prepare<[], Pick<Rekeyed, 'checkpoints' | 'entries'>>(
    'SELECT (SELECT count(*) FROM checkpoint) AS checkpoints, (SELECT count(*) FROM journal) AS entries',
  );
  const selectAnyUpTo = db
    .prepare<[Newest], number>(
      `SELECT EXISTS (SELECT 1 FROM checkpoint WHERE number <= $last_checkpoint)
         OR EXISTS (SELECT 1 FROM chunk WHERE number <= $last_chunk)
         OR EXISTS (SELECT 1 FROM journal WHERE entry_id <= $last_entry)`,
    )
    .pluck();

  const write = (row: Omit<KeyRow, 'crc'>): void => void replace.run({ ...row, crc: checksum(row) });

  const takeOver = db.transaction((sound: readonly KeyRow[], isFirst: boolean, key_id: string, since: EpochMs) => {
    const newest = selectNewest.get() ?? NOTHING;
    const counts = selectCounts.get() ?? { checkpoints: 0, entries: 0 };
    const isEmpty = counts.checkpoints + counts.entries === 0;
    if (isFirst && !isEmpty) write({ key_id: PLAIN, since, ...newest });
    for (const row of sound.filter(isInUse)) write({ ...row, ...atLeast(newest) });
    write({ key_id, since, ...NOTHING });
    const former = isFirst ? [PLAIN] : sound.map((row) => row.key_id).filter((id) => id !== key_id);
    return { keyId: key_id, former, ...counts };
  });

  return {
    /**
     * Looks whether all that was written can be read, and has the present key written with from now on.
     * @param file as it is called in a refusal.
     * @returns what was there before, when the key is another one than the last time.
     * @throws Refusal STATE_LOCKED, and has changed nothing then.
     */
    take(file: string, now: EpochMs): Rekeyed | null {
      const rows = selectAll.all();
      // A row with a flipped bit says nothing of the key. Records name theirs too, so none is ever taken for another.
      const sound = rows.flatMap((row) => readRow(row) ?? []);
      const needed = sound.map((row) => row.key_id).filter((id) => id !== PLAIN && !keyIds.includes(id));
      if (needed.length > 0) throw locked(file, needed, keyIds);
      if (keyId === null && rows.length > 0) throw locked(file, ['(its name is damaged)'], keyIds);
      if (keyId === null || sound.some((row) => row.key_id === keyId && isInUse(row))) return null;
      return takeOver.immediate(sound, rows.length === 0, keyId, now);
    },

    /** Forgets the keys that nothing is encrypted with any more. @returns their ids; '': nothing is in plain text. */
    retire(): readonly string[] {
      const former = selectAll.all().flatMap((row) => readRow(row) ?? []);
      const unused = former.filter((row) => !isInUse(row) && selectAnyUpTo.get(newestOf(row)) === 0);
      for (const { key_id } of unused) remove.run(key_id);
      return unused.map(({ key_id }) => key_id);
    },
  };
}
export type KeyTable = ReturnType<typeof createKeyTable>;

type Newest = Pick<KeyRow, 'last_checkpoint' | 'last_chunk' | 'last_entry'>;
const NOTHING: Newest = { last_checkpoint: null, last_chunk: null, last_entry: null };

const isInUse = ({ last_checkpoint, last_chunk, last_entry }: Newest): boolean =>
  last_checkpoint === null && last_chunk === null && last_entry === null;

/** Of a key that has taken over and written nothing: it is not in use any more all the same. */
const atLeast = (newest: Newest): Newest => ({ ...newest, last_entry: newest.last_entry ?? 0 });

const newestOf = ({ last_checkpoint, last_chunk, last_entry }: KeyRow): Newest => ({
  last_checkpoint,
  last_chunk,
  last_entry,
});

const checksum = ({ key_id, since, last_checkpoint, last_chunk, last_entry }: Omit<KeyRow, 'crc'>): number =>
  crc32(JSON.stringify([key_id, since, last_checkpoint, last_chunk, last_entry]));

function readRow(row: unknown): KeyRow | null {
  const { data } = keyRow.safeParse(row);
  return data && data.crc === checksum(data) ? data : null;
}
