import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { componentName, epochMs, type CheckpointId, type ComponentName, type EpochMs } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import type { Jobs } from './protocol.ts';
import type { ResumeWish } from './state-store.ts';

/*
 * Where a component continues from that was brought back: until it saves again, its next lives are given that
 * checkpoint, in place of its newest. A resume point is on disk before anybody is stopped for it, so neither a crash of
 * the component nor the death of the daemon undoes what a person asked for.
 *
 * As long as the life still runs that it is to be taken from, nothing that this one saves counts: it saves once more
 * when it is stopped. Which lives those are is in no table: whoever begins this thread tells it. Once it has begun anew
 * (`begun`), what it saves takes the place of the resume point, in the same transaction.
 */

const checkpointId = z
  .string()
  .nullable()
  .transform((id) => id as CheckpointId | null);
const resumePoint = z.object({
  component: z.string().transform(componentName),
  checkpoint: checkpointId,
  /** 1: with what was journalled after the checkpoint. */
  journal: z.number(),
  at: z.number().transform(epochMs),
  /** When it went on from there; null: as far as is known, the life before still runs. */
  since: z
    .number()
    .nullable()
    .transform((since) => (since === null ? null : epochMs(since))),
  /** The newest entry when it went on from there. */
  after_entry: z.number(),
  /** What there was only a file of, and is stored for this. */
  adopted: checkpointId,
});
const resumeRow = resumePoint.extend({
  /** JSON of the resume point in whose place it is, for when nothing comes of it. */
  replaced: z.string().nullable(),
  crc: z.number(),
});
export type Resume = Omit<z.output<typeof resumeRow>, 'crc'>;

/** What is stored for a wish within the same transaction. @returns what is to be written. */
type Prepare = (wish: ResumeWish) => { readonly wish: ResumeWish; readonly adopted: CheckpointId | null };

/** @param lastEntry the newest that a component has ever journalled. */
export function createResumeTable(db: Database, lastEntry: (component: ComponentName) => number | null) {
  const selectAll = db.prepare(
    'SELECT component, checkpoint, journal, at, since, after_entry, adopted, replaced, crc FROM resume_point ORDER BY component',
  );
  const replace = db.prepare(
    `INSERT OR REPLACE INTO resume_point
       (component, checkpoint, journal, at, since, after_entry, adopted, replaced, crc)
     VALUES ($component, $checkpoint, $journal, $at, $since, $after_entry, $adopted, $replaced, $crc)`,
  );
  const deleteOne = db.prepare<[string]>('DELETE FROM resume_point WHERE component = ?');

  const resumes = new Map<ComponentName, Resume>();
  /** Their life before still runs. */
  const leaving = new Set<ComponentName>();
  /** They have saved since, in memory only. */
  const overtaken = new Set<ComponentName>();
  /** Their life that is to leave has saved once more in memory only: that counts when it does not leave after all. */
  const overtakenOnLeaving = new Set<ComponentName>();

  function load(): void {
    resumes.clear();
    for (const row of selectAll.all()) {
      const read = readRow(row);
      if (read) resumes.set(read.component, read);
    }
  }

  function write(resume: Resume): void {
    replace.run({ ...resume, crc: checksum(resume) });
    resumes.set(resume.component, resume);
  }

  function remove(component: ComponentName): void {
    deleteOne.run(component);
    resumes.delete(component);
  }

  /** On disk when it returns. */
  function durably(change: () => void): void {
    try {
      db.transaction(change).immediate();
    } catch (error) {
      load();
      throw error;
    }
  }

  /** Its life goes on from there: from now on what it saves counts. */
  function begun(component: ComponentName, at: EpochMs): void {
    leaving.delete(component);
    const resume = resumes.get(component);
    if (resume?.since === null) durably(() => write({ ...resume, since: at, after_entry: lastEntry(component) ?? 0 }));
  }

  load();
  return {
    of: (component: ComponentName): Resume | undefined => resumes.get(component),

    /** It has saved since, in memory only. */
    isOvertaken: (component: ComponentName): boolean => overtaken.has(component),

    all: () => [...resumes.values()],

    /** Those in which a bit has flipped say nothing, and go. @returns whose they were, as far as can be read. */
    dropDamaged(): string[] {
      const damaged = selectAll.all().filter((row) => !readRow(row)) as { readonly component: unknown }[];
      const components = damaged.map(({ component }) => String(component));
      try {
        for (const component of components) deleteOne.run(component);
      } catch {
        // A full disk, or another's lock: they are of no use all the same, and are told of again.
      }
      return components;
    },

    /** @throws what `prepare` throws; nothing has changed then. */
    set({ points, leaving: areLeaving, at }: Jobs['resumeFrom']['ask'], prepare: Prepare): void {
      const since = areLeaving ? null : at;
      durably(() => {
        for (const { wish, adopted } of points.map(prepare)) {
          const { component, checkpoint_id: checkpoint } = wish;
          const before = resumes.get(component);
          write({
            component,
            checkpoint,
            journal: wish.journal && checkpoint !== null ? 1 : 0,
            at,
            since,
            after_entry: lastEntry(component) ?? 0,
            adopted,
            replaced: before ? JSON.stringify({ ...before, replaced: null }) : null,
          });
        }
      });
      for (const { component } of points) {
        overtaken.delete(component);
        overtakenOnLeaving.delete(component);
        if (areLeaving) leaving.add(component);
        else leaving.delete(component);
      }
    },

    begun,

    /** It is given what it was brought back to. Whoever was to tell that its life before has left is not there any more. */
    given(component: ComponentName, at: EpochMs): void {
      if (!leaving.has(component)) begun(component, at);
    },

    /** A daemon before this one had begun to stop it for this, and it has not left yet. */
    awaited(component: ComponentName): void {
      if (resumes.get(component)?.since === null) leaving.add(component);
    },

    /**
     * Nothing comes of the one that was asked for at that time: it continues from where it would have.
     * @param undo what was stored for it, within the same transaction.
     */
    drop({ component, at }: Jobs['resumeDropped']['ask'], undo: (adopted: CheckpointId) => void): void {
      const resume = resumes.get(component);
      if (resume?.at !== at) return;
      const { adopted, replaced } = resume;
      durably(() => {
        remove(component);
        if (replaced !== null) write({ ...resumePoint.parse(JSON.parse(replaced)), replaced: null });
        if (adopted !== null) undo(adopted);
      });
      leaving.delete(component);
      if (overtakenOnLeaving.delete(component)) overtaken.add(component);
    },

    /** It has saved, within the transaction at work. */
    saved(component: ComponentName): void {
      const resume = resumes.get(component);
      if (!resume) return;
      if (!leaving.has(component)) remove(component);
      // What was there before is behind it, should it not leave after all.
      else if (resume.replaced !== null) write({ ...resume, replaced: null });
    },

    /** It has saved in memory only: that counts for as long as it is there. */
    savedInMemory(component: ComponentName): void {
      if (resumes.has(component)) (leaving.has(component) ? overtakenOnLeaving : overtaken).add(component);
    },

    /** A transaction has failed: what is here may not be what is there. */
    reload: load,
  };
}
export type ResumeTable = ReturnType<typeof createResumeTable>;

/** Of one with nothing to undo as it was before there was any. */
function checksum({ component, checkpoint, journal, at, since, after_entry, adopted, replaced }: Resume): number {
  const undone = adopted === null && replaced === null ? [] : [adopted, replaced];
  return crc32(JSON.stringify([component, checkpoint, journal, at, since, after_entry, ...undone]));
}

/** null: a bit has flipped in it, and nobody is sent back by that. */
function readRow(row: unknown): Resume | null {
  const { data } = resumeRow.safeParse(row);
  if (!data) return null;
  const { crc, ...resume } = data;
  return crc === checksum(resume) ? resume : null;
}
