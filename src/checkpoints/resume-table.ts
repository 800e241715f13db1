import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { componentName, epochMs, type CheckpointId, type ComponentName, type EpochMs } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import type { Jobs } from './protocol.ts';

/*
 * Where a component continues from that was brought back: until it saves again, its next lives are given that
 * checkpoint, in place of its newest. A resume point is on disk before anybody is stopped for it, so neither a crash of
 * the component nor the death of the daemon undoes what a person asked for.
 *
 * As long as the life still runs that it is to be taken from, nothing that this one saves counts: it saves once more
 * when it is stopped. Which lives those are is in no table: whoever begins this thread tells it. Once it has begun anew
 * (`begun`), what it saves takes the place of the resume point, in the same transaction.
 */

const resumeRow = z.object({
  component: z.string().transform(componentName),
  checkpoint: z
    .string()
    .nullable()
    .transform((id) => id as CheckpointId | null),
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
  crc: z.number(),
});
export type Resume = Omit<z.output<typeof resumeRow>, 'crc'>;

/** @param lastEntry the newest that a component has ever journalled. */
export function createResumeTable(db: Database, lastEntry: (component: ComponentName) => number | null) {
  const selectAll = db.prepare(
    'SELECT component, checkpoint, journal, at, since, after_entry, crc FROM resume_point ORDER BY component',
  );
  const replace = db.prepare(
    `INSERT OR REPLACE INTO resume_point (component, checkpoint, journal, at, since, after_entry, crc)
     VALUES ($component, $checkpoint, $journal, $at, $since, $after_entry, $crc)`,
  );
  const deleteOne = db.prepare<[string]>('DELETE FROM resume_point WHERE component = ?');

  const resumes = new Map<ComponentName, Resume>();
  /** What was there before, for when nothing comes of it. */
  const replaced = new Map<ComponentName, Resume | undefined>();
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

    set({ points, leaving: areLeaving, at }: Jobs['resumeFrom']['ask']): void {
      const before = new Map(resumes);
      const since = areLeaving ? null : at;
      durably(() => {
        for (const { component, checkpoint_id: checkpoint, journal } of points) {
          const after_entry = lastEntry(component) ?? 0;
          write({ component, checkpoint, journal: journal && checkpoint !== null ? 1 : 0, at, since, after_entry });
        }
      });
      for (const { component } of points) {
        overtaken.delete(component);
        overtakenOnLeaving.delete(component);
        replaced.set(component, before.get(component));
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

    /** Nothing comes of it: it continues from where it would have. */
    drop(component: ComponentName): void {
      if (!resumes.has(component)) return;
      const before = replaced.get(component);
      durably(() => {
        remove(component);
        if (before) write(before);
      });
      leaving.delete(component);
      if (overtakenOnLeaving.delete(component)) overtaken.add(component);
    },

    /** It has saved, within the transaction at work. */
    saved(component: ComponentName): void {
      if (!resumes.has(component)) return;
      // What was there before is behind it, should it not leave after all.
      if (leaving.has(component)) replaced.delete(component);
      else remove(component);
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

const checksum = ({ component, checkpoint, journal, at, since, after_entry }: Resume): number =>
  crc32(JSON.stringify([component, checkpoint, journal, at, since, after_entry]));

/** null: a bit has flipped in it, and nobody is sent back by that. */
function readRow(row: unknown): Resume | null {
  const { data } = resumeRow.safeParse(row);
  if (!data) return null;
  const { crc, ...resume } = data;
  return crc === checksum(resume) ? resume : null;
}
