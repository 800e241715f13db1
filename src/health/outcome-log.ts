import type { Clock } from '../clock.ts';
import type { OutcomeSource, Successes } from './check.ts';

/** The kind of check that asks for it: without one nothing is remembered. */
export const COUNTS_OUTCOMES = 'success_rate';
export const LONGEST_WINDOW_MS = 3_600_000;
const SECOND_MS = 1_000;
/** What a component calls its dependencies is its own affair; beyond so many entries the oldest are forgotten. */
const MOST_ENTRIES = 20_000;

interface Entry {
  readonly second: number;
  readonly source: OutcomeSource;
  readonly of: string;
  ok: number;
  failed: number;
}

/** How calls and checks of one component have ended within the last hour, counted by the second. */
export interface OutcomeLog {
  add(source: OutcomeSource, of: string, ok: boolean): void;
  count(source: OutcomeSource, of: string | undefined, windowMs: number): Successes;
  clear(): void;
  /** What another one remembers, after a reload. */
  adopt(other: OutcomeLog): void;
  readonly entries: readonly Entry[];
}

export function createOutcomeLog(clock: Pick<Clock, 'monotonic'>, remembers: boolean): OutcomeLog {
  let entries: Entry[] = [];
  /** Those of the newest second. */
  let newest = new Map<string, Entry>();
  const now = () => Math.floor(clock.monotonic() / SECOND_MS);

  return {
    add(source, of, ok) {
      if (!remembers) return;
      const second = now();
      if (entries.at(-1)?.second !== second) newest = new Map();
      const key = `${source} ${of}`;
      let entry = newest.get(key);
      if (!entry) {
        entry = { second, source, of, ok: 0, failed: 0 };
        newest.set(key, entry);
        entries.push(entry);
        const old = entries.findIndex((one) => one.second > second - LONGEST_WINDOW_MS / SECOND_MS);
        if (old > 1_000 || entries.length > MOST_ENTRIES) entries = entries.slice(Math.max(old, 1_000));
      }
      if (ok) entry.ok++;
      else entry.failed++;
    },
    count(source, of, windowMs) {
      const from = now() - windowMs / SECOND_MS;
      let [ok, failed] = [0, 0];
      for (const entry of entries) {
        if (entry.second <= from || entry.source !== source || (of !== undefined && entry.of !== of)) continue;
        ok += entry.ok;
        failed += entry.failed;
      }
      return { ok, failed };
    },
    clear() {
      entries = [];
      newest = new Map();
    },
    adopt(other) {
      entries = remembers ? [...other.entries] : [];
      newest = new Map();
    },
    get entries() {
      return entries;
    },
  };
}
