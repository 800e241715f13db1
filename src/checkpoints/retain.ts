import type { StatePolicy } from './schema.ts';

/** What is to be known of a checkpoint to say whether it stays. */
export interface Retainable {
  readonly sequence: number;
  /** The same for all that build on one full record. */
  readonly root: number;
  /** ms since 1970. */
  readonly at: number;
  readonly through: number | null;
  readonly valid: boolean;
  /** A manifest that is kept names it, or its component was brought back to it and has not saved since. */
  readonly pinned: boolean;
}

export interface Retained {
  /** Sequences of what goes, newest first: what builds on another goes before it. */
  readonly expired: readonly number[];
  /** Journal entries up to here may go; 0: all are needed. */
  readonly journalAfter: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Which checkpoints of one component stay: the young, the newest valid ones, of each hour and day the newest valid one,
 * what was taken together with others or was gone back to, and what any of them builds on. The newest stays, damaged or
 * not: the next one counts on from it. The journal goes back as far as the young and the newest need it, so that one of
 * last week does not hold a week of it. Pure.
 * @param newestFirst all that are there, by sequence.
 */
export function retain(newestFirst: readonly Retainable[], policy: StatePolicy['retention'], now: number): Retained {
  const valid = newestFirst.filter((checkpoint) => checkpoint.valid);
  const recent = [...newestFirst.filter(({ at }) => at >= now - policy.max_age), ...valid.slice(0, policy.keep)];
  const old = [
    ...newestOfEach(HOUR_MS, valid, policy.hourly),
    ...newestOfEach(DAY_MS, valid, policy.daily),
    ...newestFirst.filter(({ pinned }) => pinned),
  ];
  const replayable = withAncestors(newestFirst, recent).filter((checkpoint) => checkpoint.valid);
  const kept = new Set([...newestFirst.slice(0, 1), ...withAncestors(newestFirst, [...recent, ...old])]);
  return {
    expired: newestFirst.filter((checkpoint) => !kept.has(checkpoint)).map(({ sequence }) => sequence),
    journalAfter: replayable.reduce((least, { through }) => Math.min(least, through ?? 0), replayable[0]?.through ?? 0),
  };
}

/** Of the last `most` periods that have one, the newest; they begin with the full hour or day of UTC. */
function newestOfEach(periodMs: number, newestFirst: readonly Retainable[], most: number): Retainable[] {
  const found = new Map<number, Retainable>();
  for (const checkpoint of newestFirst) {
    if (found.size === most) break;
    const period = Math.floor(checkpoint.at / periodMs);
    if (!found.has(period)) found.set(period, checkpoint);
  }
  return [...found.values()];
}

/** A patch builds on all that come before it and have its root. */
function withAncestors(all: readonly Retainable[], chosen: readonly Retainable[]): Retainable[] {
  const last = new Map<number, number>();
  for (const { root, sequence } of chosen) last.set(root, Math.max(last.get(root) ?? 0, sequence));
  return all.filter(({ root, sequence }) => sequence <= (last.get(root) ?? 0));
}
