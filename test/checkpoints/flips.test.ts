import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { createCipher } from '../../src/checkpoints/cipher.ts';
import type { Database } from '../../src/storage/open.ts';
import { copyStore, dice, flipBit, judge, writeHistory } from '../support/flips.ts';
import { tempFolder } from '../support/temp.ts';

/** More: `npm run fuzz`. */
const FLIPS = Number(process.env['PARAMEDIC_FLIPS'] ?? 20);

const tally = (findings: readonly string[]) => {
  const counts: Record<string, number> = {};
  for (const finding of findings) counts[finding] = (counts[finding] ?? 0) + 1;
  return counts;
};

describe.each([
  ['plain', createCipher([])],
  ['encrypted', createCipher([Buffer.alloc(32, 7)])],
])('a bit that flips in a store that is %s', (_, cipher) => {
  it('in a stored checkpoint or its chunks is found, and the newest valid one used', { timeout: 120_000 }, () => {
    const roll = dice(1);
    const history = writeHistory(tempFolder(), roll, cipher);
    const all = 'SELECT state AS bytes FROM checkpoint UNION ALL SELECT bytes FROM chunk';
    const readAll = (db: Database) => db.prepare(all).pluck().all() as Buffer[];
    const stored = readAll(history.db);
    history.close();
    const file = join(tempFolder(), 'state.db');
    const whole = readFileSync(history.file);
    const findings: string[] = [];
    while (findings.length < FLIPS) {
      const index = roll(stored.length);
      const bytes = stored[index] ?? Buffer.alloc(0);
      const within = roll(bytes.length);
      // Where it lies in the file: a stretch that is not cut by the end of a page.
      const start = Math.max(0, Math.min(within - 12, bytes.length - 24));
      const stretch = bytes.subarray(start, start + 24);
      const bit = roll(8);
      // Unused parts of pages have old copies: a flip in one of those changes nothing.
      for (let found = whole.indexOf(stretch); found !== -1; found = whole.indexOf(stretch, found + 1)) {
        copyStore(history.file, file);
        flipBit(file, found + within - start, bit);
        const db = new Sqlite(file);
        const changed = readAll(db).some((now, at) => !now.equals(stored[at] ?? now));
        db.close();
        if (changed) findings.push(judge(file, history.acknowledged, cipher));
        if (changed) break;
      }
    }
    expect(tally(findings)).toEqual({ reported: FLIPS });
  });

  it('in the WAL, which drops all commits after it, is found too', { timeout: 120_000 }, () => {
    const roll = dice(2);
    const history = writeHistory(tempFolder(), roll, cipher);
    const file = join(tempFolder(), 'state.db');
    copyStore(history.file, file);
    expect(judge(file, history.acknowledged, cipher)).toBe('unharmed');
    const findings = Array.from({ length: FLIPS }, () => {
      copyStore(history.file, file);
      flipBit(`${file}-wal`, roll(statSync(`${file}-wal`).size), roll(8));
      return judge(file, history.acknowledged, cipher);
    });
    history.close();
    expect(tally(findings)).toEqual({ reported: FLIPS });
  });

  it('anywhere in the file is never passed over in silence', { timeout: 120_000 }, () => {
    const roll = dice(3);
    const history = writeHistory(tempFolder(), roll, cipher);
    history.close();
    const file = join(tempFolder(), 'state.db');
    const findings = Array.from({ length: FLIPS }, () => {
      copyStore(history.file, file);
      flipBit(file, roll(statSync(file).size), roll(8));
      return judge(file, history.acknowledged, cipher);
    });
    expect(Object.keys(tally(findings)).filter((finding) => finding !== 'unharmed')).toEqual(['reported']);
  });
});
