import type { CheckpointId, RestoreSource } from '../model/index.ts';
import { jsonBytes, owned } from './bytes.ts';
import { choose } from './choose.ts';
import { openAsked, openNext, type Tried } from './open-checked.ts';
import type { Damage, Jobs } from './protocol.ts';
import type { Resume } from './resume-table.ts';
import type { StateDatabase } from './state-database.ts';
import type { CheckpointInfo } from './state-store.ts';

const FIRST_LOOK = 8;

type Ask = Jobs['restore']['ask'];
type Answer = Jobs['restore']['answer'];

/** Where a component was brought back to, and has not saved since. */
interface Back extends Resume {
  readonly from: CheckpointInfo;
}

/** What a component continues from: what it was brought back to, else the newest state; and the journal after it. */
export function restore(states: StateDatabase, ask: Ask): Answer {
  const answer = restoreAsItIs(states, ask);
  try {
    states.resumes.given(ask.component, ask.at);
  } catch {
    // A full disk must not stand in the way of a restore: the next one says so again.
  }
  return answer;
}

function restoreAsItIs(states: StateDatabase, ask: Ask): Answer {
  const resume = states.resumeOf(ask.component);
  const from = resume?.checkpoint ? states.checkpoints.one(resume.checkpoint) : null;
  if (resume?.checkpoint === null || (!from && !ask.preserve)) return nothing(states, ask, resume);
  const damaged: Damage[] = [];
  const found =
    (resume && from && findBack(states, ask, { ...resume, from }, damaged)) ?? findNewest(states, ask, damaged);
  const restored = found ? restoredFrom(states, ask, found) : restoredFromJournal(states, ask);
  const last = states.journalled.last(ask.component);
  return {
    restored: { through: last, ...restored },
    damaged,
    hadAnything: found !== null || last !== null || states.checkpoints.list(ask.component, 1).length > 0,
  };
}

/** A state that can be continued from. */
interface Found {
  readonly checkpoint: CheckpointInfo;
  readonly opened: NonNullable<Tried['opened']>;
  readonly source: RestoreSource;
  /** Newer ones that are sound, and in doubt. */
  readonly passedOver: number;
  readonly back: Back | null;
}

interface Choice {
  /** Newest first, so many at most; -1: all. */
  readonly candidates: (most: number) => readonly CheckpointInfo[];
  readonly doubted: ReadonlySet<CheckpointId>;
  readonly open: (checkpoint: CheckpointInfo) => Tried;
}

/** @param damaged what is found to be is added. @returns null when none is left that verifies. */
function find({ candidates: list, doubted, open: tryOpen }: Choice, damaged: Damage[]): Omit<Found, 'back'> | null {
  // A day of checkpoints is long, and the newest nearly always verifies.
  let candidates = list(FIRST_LOOK);
  let avoided = doubted;
  for (;;) {
    const useless = new Set(damaged.flatMap((each) => [each.checkpoint, ...each.useless]));
    const { checkpoint, source } = choose(candidates, new Set([...avoided, ...useless]));
    if (checkpoint) {
      const { opened, damage } = tryOpen(checkpoint);
      if (damage) damaged.push(damage);
      if (!opened) continue;
      const passedOver = candidates.filter(
        ({ sequence, valid, checkpoint_id: id }) => sequence > checkpoint.sequence && valid && !useless.has(id),
      ).length;
      return { checkpoint, opened, source, passedOver };
    }
    const all = candidates.length === FIRST_LOOK ? list(-1) : candidates;
    if (all.length > candidates.length) candidates = all;
    // All others are damaged or in doubt as well: better the newest than nothing.
    else if (avoided.size > 0) avoided = new Set();
    else return null;
  }
}

function findNewest(states: StateDatabase, { component, doubted, at }: Ask, damaged: Damage[]): Found | null {
  const candidates = (most: number) => states.checkpoints.list(component, most);
  const found = find({ candidates, doubted, open: (each) => openNext(states, each, at) }, damaged);
  return found && { ...found, back: null };
}

/** The one that was asked for; when that is damaged, or in doubt since, the one before it. */
function findBack(states: StateDatabase, ask: Ask, back: Back, damaged: Damage[]): Found | null {
  const { component, at } = ask;
  const { from } = back;
  const isAsked = ({ checkpoint_id: id }: CheckpointInfo) => id === from.checkpoint_id;
  const doubted = isFirst(back, ask) ? without(ask.doubted, from.checkpoint_id) : ask.doubted;
  const found = find(
    {
      // There may be a file of it.
      candidates: (most) =>
        states.checkpoints
          .list(component, most, from.sequence)
          .map((each) => (isAsked(each) && each.kind === 'disk' ? { ...each, valid: true } : each)),
      doubted,
      open: (each) => (isAsked(each) ? openAsked(states, from, at) : openNext(states, each, at)),
    },
    damaged,
  );
  return found && { ...found, back };
}

/** Nothing has gone on from there so far, as far as is known. */
const isFirst = ({ since }: Resume, { endedAt }: Ask): boolean =>
  since === null || endedAt === null || endedAt <= since;

const without = (ids: ReadonlySet<CheckpointId>, one: CheckpointId): ReadonlySet<CheckpointId> =>
  new Set([...ids].filter((id) => id !== one));

type Continued = Omit<Answer['restored'], 'through'>;

function restoredFrom(states: StateDatabase, ask: Ask, found: Found): Continued {
  const { checkpoint, opened, back, passedOver } = found;
  const { component, endedAt } = ask;
  const known = states.markOf(component);
  const isBare = back?.journal === 0;
  const after = isBare ? back.after_entry : (checkpoint.through ?? 0);
  const { entries, gaps } = states.journalled.after(component, after, known.entry);
  const isLater = back !== null && !isFirst(back, ask);
  const journals = states.journalled.last(component) !== null && gaps.length === 0 && (!isBare || isLater);
  // What it was brought back from is no loss of its own any more.
  const lostFrom =
    isLater && checkpoint.sequence === back.from.sequence ? (back.since ?? checkpoint.at) : checkpoint.at;
  const lostMs = !journals && endedAt !== null ? Math.max(0, endedAt - lostFrom) : 0;
  // One in memory has a place beyond all that was ever stored.
  const newest = back
    ? back.from.sequence
    : Math.max(known.sequence, states.checkpoints.list(component, 1)[0]?.sequence ?? 0);
  return {
    checkpoint_id: checkpoint.checkpoint_id,
    state: owned(opened.json()),
    schema_version: checkpoint.schema_version,
    ...listOf(entries),
    data_loss_seconds: lostMs / 1_000,
    lost_checkpoints: Math.max(0, newest - checkpoint.sequence - passedOver),
    lost_entries: gaps,
    source: back && checkpoint.sequence < known.sequence ? 'previous' : found.source,
  };
}

/** No state is left: what is still there of the journal. */
function restoredFromJournal(states: StateDatabase, { component, endedAt, at }: Ask): Continued {
  const oldest = states.checkpoints.list(component).at(-1);
  const known = states.markOf(component);
  const { entries, gaps } = states.journalled.after(component, 0, known.entry);
  return {
    ...NO_STATE,
    state: jsonBytes(null),
    ...listOf(entries),
    data_loss_seconds: oldest ? Math.max(0, (endedAt ?? at) - oldest.at) / 1_000 : 0,
    lost_checkpoints: oldest ? known.sequence - oldest.sequence + 1 : known.sequence,
    lost_entries: gaps,
  };
}

const NO_STATE = { checkpoint_id: null, schema_version: 1, source: 'none' } as const;

/** It is to begin anew: with nothing, and what it has journalled since it did. */
function nothing(states: StateDatabase, ask: Ask, resume: Resume | undefined): Answer {
  const { component, endedAt } = ask;
  const { entries, gaps } = resume
    ? states.journalled.after(component, resume.after_entry, states.markOf(component).entry)
    : { entries: [], gaps: [] };
  const through = states.journalled.last(component);
  const isLater = resume && !isFirst(resume, ask);
  const lostMs = isLater && (through === null || gaps.length > 0) ? (endedAt ?? 0) - (resume.since ?? 0) : 0;
  return {
    restored: {
      ...NO_STATE,
      state: jsonBytes(null),
      ...listOf(entries),
      through,
      data_loss_seconds: lostMs / 1_000,
      lost_checkpoints: 0,
      lost_entries: gaps,
    },
    damaged: [],
    hadAnything: entries.length > 0,
  };
}

const listOf = (entries: readonly string[]) => ({
  journal: owned(Buffer.from(`[${entries.join()}]`)),
  entries: entries.length,
});
