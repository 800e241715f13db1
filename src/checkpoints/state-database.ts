import { datedId } from '../digest.ts';
import type { CheckpointId, ComponentName } from '../model/index.ts';
import type { Database } from '../storage/open.ts';
import { parseEntries, parsePatch, parsePut } from './body.ts';
import { createBudget, MOST_STATE_BYTES, TooCostly, type Budget } from './bounds.ts';
import type { CheckpointDocument } from './checkpoint-document.ts';
import type { CheckpointFiles } from './checkpoint-files.ts';
import { createCheckpointTable, type Head } from './checkpoint-table.ts';
import { plainText, type Cipher } from './cipher.ts';
import { decode, encode, type Encoding } from './codec.ts';
import { createComparison, MOST_COMPARED_BYTES } from './compare.ts';
import { createChunkTable } from './chunk-table.ts';
import { createHeldStates, withHeld, type HeldState } from './held-states.ts';
import type { Mark } from './high-water.ts';
import { createJournalTable } from './journal-table.ts';
import { createManifestTable } from './manifest-table.ts';
import { newRecord, type Fresh, type Place } from './new-record.ts';
import { openState } from './open-state.ts';
import { applyPatch, PatchError } from './patch.ts';
import { createPlaceIndex } from './place-index.ts';
import { goesOn } from './plan.ts';
import type { Jobs } from './protocol.ts';
import { bodyInvalid, Refusal } from './refusal.ts';
import { createResumeTable, type Resume } from './resume-table.ts';
import { retain } from './retain.ts';
import { seal } from './seal.ts';
import type { CheckpointInfo, CheckpointKind, Remembered, Saved } from './state-store.ts';
import { createWorkingStates, type WorkingState } from './working-states.ts';

const VACUUM_SLICE = 50;
/** A larger state is cut into chunks. */
const WHOLE_BYTES = 2 ** 20;
export type StateDatabase = ReturnType<typeof createStateDatabase>;

/**
 * Checkpoints and journal as they are asked for. Knows no thread and begins no transaction: its caller does.
 * @param files of the checkpoints that people find as files too.
 * @param marks how far each component has come, whatever the database holds.
 * @param cipher for all that components give.
 */
export function createStateDatabase(
  db: Database,
  files: CheckpointFiles,
  marks: ReadonlyMap<ComponentName, Mark> = new Map(),
  cipher: Cipher = plainText,
) {
  const places = createPlaceIndex(db);
  const table = createCheckpointTable(db, places);
  const held = createHeldStates();
  const checkpoints = withHeld(table, held);
  const manifests = createManifestTable(db, table);
  const chunks = createChunkTable(db, cipher);
  const journal = createJournalTable(db, places, cipher);
  const resumes = createResumeTable(db, journal.last);
  const working = createWorkingStates();
  /** What is built on a record is encrypted with its key, or like it is not. */
  const mayGoOn = (head: Head, nextBytes: number, at: number): boolean =>
    head.keyId === cipher.keyId && goesOn(head, nextBytes, at);
  const patchTo = createComparison(working, mayGoOn);
  /** Of what was written or asked for; all of them are forgotten when a transaction fails. */
  const heads = new Map<ComponentName, Head>();
  /** What the transaction at work has moved forward; 0: it has not. */
  const moved = new Map<ComponentName, Mark>();
  let begun = 0;

  function headOf(component: ComponentName): Head | null {
    const known = heads.get(component);
    if (known) return known;
    const stored = table.head(component);
    if (stored) heads.set(component, stored);
    return stored;
  }

  /** The newest checkpoint of a component when that is in memory only. */
  function heldOf(component: ComponentName): HeldState | undefined {
    const state = held.get(component);
    return state && state.info.sequence > (headOf(component)?.sequence ?? 0) ? state : undefined;
  }

  /** What its next checkpoint comes after. */
  const placeOf = (component: ComponentName, head: Head | null): Place => ({
    sequence: Math.max(head?.sequence ?? 0, marks.get(component)?.sequence ?? 0),
    parent: head?.id ?? null,
  });

  /** @returns undefined when there is no room in memory. */
  function hold(fresh: Fresh, json: Uint8Array): (Saved & { readonly size_bytes: number }) | undefined {
    const packed = encode(json);
    const place = placeOf(fresh.component, headOf(fresh.component));
    const { record, bytes } = newRecord(place, fresh, json, packed, plainText);
    const info = { ...record, chain: seal('', record), valid: true };
    // The bytes of a body that came with others would keep all of them.
    if (!held.keep({ info, bytes: Uint8Array.from(bytes) })) return undefined;
    resumes.savedInMemory(fresh.component);
    return { checkpoint_id: info.checkpoint_id, kind: 'memory', size_bytes: info.size_bytes };
  }

  /** @param json of the state when it is full, of the operations when it is not. */
  function store(head: Head | null, fresh: Fresh, json: Uint8Array, request: string | null = null) {
    begun++;
    const base = fresh.kind === 'incremental' ? head : null;
    const cut = json.byteLength > WHOLE_BYTES ? chunks.store(fresh.component, json, fresh.at) : null;
    const packed = cut ? { ...cut, encoding: 'chunks' as const } : encode(json);
    const { record, bytes } = newRecord(placeOf(fresh.component, head), fresh, json, packed, cipher);
    const chain = seal(base?.chain ?? '', record);
    const root = base?.root ?? null;
    const number = table.insert(record, { root, chain, request }, bytes);
    if (cut) chunks.link(record.checkpoint_id, cut.chunks);
    const { checkpoint_id: id, sequence, schema_version: schemaVersion } = record;
    heads.set(fresh.component, {
      patches: base ? base.patches + 1 : 0,
      patchBytes: base ? base.patchBytes + json.byteLength : 0,
      fullBytes: base?.fullBytes ?? json.byteLength,
      fullAt: base?.fullAt ?? fresh.at,
      id,
      sequence,
      chain,
      root: root ?? number,
      request,
      schemaVersion,
      keyId: cipher.keyId,
      valid: true,
    });
    moved.set(fresh.component, { sequence, entry: moved.get(fresh.component)?.entry ?? 0 });
    return { checkpoint_id: id, kind: fresh.kind, size_bytes: json.byteLength };
  }

  /** As a transaction of its own, unless one is at work. */
  function storeAlone(fresh: Fresh, json: Uint8Array): void {
    try {
      db.transaction(() => {
        store(headOf(fresh.component), fresh, json);
        if (resumes.isOvertaken(fresh.component)) resumes.saved(fresh.component);
      }).immediate();
    } catch (error) {
      forgetAll();
      throw error;
    }
    working.drop(fresh.component);
  }

  /** The newest record was made by this very request, perhaps when another key was in use. */
  function isAnswered(head: Head, request: string, body: Uint8Array): boolean {
    if (head.request === null) return false;
    if (head.keyId === cipher.keyId) return head.request === request;
    return cipher.formerHashes('request', body).includes(head.request);
  }

  /** What operations go on from: in memory or stored. */
  function newestOf(component: ComponentName, head: Head | null): Pick<Head, 'id' | 'valid' | 'schemaVersion'> | null {
    const state = heldOf(component);
    if (!state) return head;
    return { id: state.info.checkpoint_id, valid: true, schemaVersion: state.info.schema_version };
  }

  /** The newest state, read back: it was not the last that was written, or there was no room for it. */
  function reopen(component: ComponentName, { id, valid }: Pick<Head, 'id' | 'valid'>): WorkingState {
    const info = valid ? checkpoints.one(id) : null;
    const opened = info && openState({ checkpoints, chunks, cipher }, info);
    if (opened && 'value' in opened) {
      const sizeBytes = opened.json().byteLength;
      return { checkpoint: id, value: opened.value(), exact: opened.exact(), sizeBytes };
    }
    throw patchRefused(component, `its newest checkpoint ${id} is damaged`);
  }

  /** Where it continues from in place of its newest checkpoint; one in memory that came after it is newer. */
  function resumeOf(component: ComponentName): Resume | undefined {
    return resumes.isOvertaken(component) && heldOf(component) ? undefined : resumes.of(component);
  }

  /** Journal entries after these are needed for what the retention does not know of. */
  function neededAfter(component: ComponentName): number[] {
    const inMemory = heldOf(component);
    const resume = resumes.of(component);
    const wanted = resume?.checkpoint ? table.one(resume.checkpoint) : null;
    return [
      ...(inMemory ? [inMemory.info.through ?? 0] : []),
      ...(resume ? [resume.journal === 1 ? (wanted?.through ?? 0) : resume.after_entry] : []),
    ];
  }

  function forgetAll(): void {
    heads.clear();
    working.clear();
    journal.forget();
    resumes.reload();
    moved.clear();
    files.undo();
  }

  return {
    checkpoints,
    chunks,
    cipher,
    files,
    manifests,
    resumes,
    resumeOf,
    journalled: journal,

    /** Writes that have begun to change the file: who is refused before that has changed nothing. */
    begun: (): number => begun,

    remembered(): Remembered[] {
      const saved = new Set([...table.components(), ...[...held.all()].map(({ info }) => info.component)]);
      return [...new Set([...saved, ...journal.components()])].map((component) => {
        const newest = table.newestValid(component);
        return {
          component,
          newest: newest && { at: newest.at, size_bytes: newest.size_bytes },
          hasSaved: saved.has(component),
          journals: journal.last(component) !== null,
        };
      });
    },

    /** How far it has come, whatever is left of it. */
    markOf(component: ComponentName): Mark {
      const { sequence = 0, entry = 0 } = marks.get(component) ?? {};
      const head = headOf(component)?.sequence ?? 0;
      return { sequence: Math.max(sequence, head), entry: Math.max(entry, journal.newestOf(component)) };
    },

    /** What has moved forward since the last call; 0: not that. To be asked when a transaction is committed. */
    settle(): ReadonlyMap<ComponentName, Mark> {
      const settled = new Map(moved);
      // One in memory may have come after it, in the same transaction.
      for (const component of settled.keys()) if (!heldOf(component)) held.drop(component);
      moved.clear();
      files.settle();
      return settled;
    },

    put({ component, body, trigger, at, kind: asked, schemaVersion = 1 }: Jobs['put']['ask']): Jobs['put']['answer'] {
      const parsed = parsePut(body);
      const { state, value, exact, schema_version = schemaVersion, through } = parsed;
      journal.requireThrough(component, through);
      const freshOf = (kind: CheckpointKind): Fresh => ({
        checkpoint_id: newId(at),
        component,
        at,
        trigger,
        kind,
        schema_version,
        through,
      });
      const inMemory = asked === 'memory' ? hold(freshOf('memory'), state) : undefined;
      if (inMemory) return inMemory;
      const head = headOf(component);
      const isWhole = asked === 'full' || asked === 'disk';
      const patch = isWhole ? null : patchTo(head, component, parsed, schema_version, at);
      const kind = asked === 'disk' ? asked : patch ? 'incremental' : 'full';
      const fresh = freshOf(kind);
      if (kind === 'disk') files.write(fresh, state);
      const stored = store(head, fresh, patch ?? state);
      resumes.saved(component);
      const sizeBytes = state.byteLength;
      if (sizeBytes > MOST_COMPARED_BYTES) working.drop(component);
      else working.keep(component, { checkpoint: stored.checkpoint_id, value, exact, sizeBytes });
      return kind === 'disk' ? { ...stored, file: files.fileOf(component, stored.checkpoint_id) } : stored;
    },

    /**
     * One of which there is only a file is stored as the newest, as if all that was journalled until now were in it: of
     * what journal it is, nobody knows.
     */
    adopt({ checkpoint_id, component, at, trigger, schema_version, state }: CheckpointDocument): void {
      const before = moved.get(component);
      const through = journal.last(component);
      storeAlone({ checkpoint_id, component, at, trigger, kind: 'disk', schema_version, through }, state);
      // The marks follow with what is saved after it: were it to go again, it would be missed.
      if (before) moved.set(component, before);
      else moved.delete(component);
    },

    /** Nothing has come of that: it is a file only again, unless something was stored after it, or it is named. */
    disown(component: ComponentName, checkpoint: CheckpointId): void {
      const head = headOf(component);
      if (head?.id !== checkpoint) return;
      table.expire({ component, sequences: [head.sequence] });
      heads.delete(component);
      working.drop(component);
    },

    /** The newest of a component is stored as what it is, under its id, when it was in memory only. @returns that one. */
    storeHeld(component: ComponentName): CheckpointInfo | null {
      const state = heldOf(component);
      if (!state) return null;
      const { checkpoint_id, at, trigger, encoding, schema_version, through } = state.info;
      const json = decode(encoding as Encoding, state.bytes);
      storeAlone({ checkpoint_id, component, at, trigger, kind: 'full', schema_version, through }, json);
      return state.info;
    },

    /** One that comes a second time, because its answer was lost, gets the same answer again. */
    patch({ component, body, trigger, at }: Jobs['patch']['ask']): Jobs['patch']['answer'] {
      const { base, operations, schema_version = null, through } = parsePatch(body);
      const request = cipher.hash('request', body);
      const head = headOf(component);
      if (head && isAnswered(head, request, body))
        return { checkpoint_id: head.id, kind: table.one(head.id)?.kind ?? 'full', size_bytes: null };
      const newest = newestOf(component, head);
      if (newest?.id !== base) {
        const parameters = { component, base, newest: newest?.id ?? null };
        throw new Refusal({ code: 'CHECKPOINT_NOT_NEWEST', parameters });
      }
      if (schema_version !== null && schema_version !== newest.schemaVersion) {
        const why = `its newest checkpoint ${newest.id} is of schema version ${newest.schemaVersion}, and the operations of ${schema_version}`;
        throw patchRefused(component, why);
      }
      const state = working.get(component, newest.id) ?? reopen(component, newest);
      if (!state.exact) throw patchRefused(component, 'it holds a number that JavaScript cannot');
      journal.requireThrough(component, through);
      // Before they are applied: what they add becomes part of the state, and is changed with it.
      const json = Buffer.from(JSON.stringify(operations));
      working.drop(component);
      const budget = createBudget();
      const value = tryApply(component, state.value, operations, budget);
      const kind = head?.id === newest.id && mayGoOn(head, json.byteLength, at) ? 'incremental' : 'full';
      const atMost = state.sizeBytes + budget.growth(json.byteLength);
      // What it may have grown to is known without writing it anew; only near the limit it is looked at.
      const whole = kind === 'full' || atMost > MOST_STATE_BYTES ? Buffer.from(JSON.stringify(value)) : null;
      const sizeBytes = whole?.byteLength ?? atMost;
      if (sizeBytes > MOST_STATE_BYTES) throw tooLarge(component, sizeBytes);
      const schemaVersion = newest.schemaVersion;
      const fresh = {
        checkpoint_id: newId(at),
        component,
        at,
        trigger,
        kind,
        schema_version: schemaVersion,
        through,
      } as const;
      const stored = store(head, fresh, kind === 'full' && whole ? whole : json, request);
      resumes.saved(component);
      working.keep(component, { checkpoint: stored.checkpoint_id, value, exact: true, sizeBytes });
      return stored;
    },

    journal({ component, body, at }: Jobs['journal']['ask']): Jobs['journal']['answer'] {
      const { entries, isList } = parseEntries(body);
      begun++;
      const ids = entries.map((entry) => journal.append(component, at, entry));
      moved.set(component, { sequence: moved.get(component)?.sequence ?? 0, entry: journal.newestOf(component) });
      return isList ? { entry_ids: ids } : { entry_id: ids[0] ?? 0 };
    },

    /** A slice of what the retention does not keep goes, with its files. @returns how many. */
    expire(ask: Jobs['expire']['ask']): number {
      const expired = table.expire(ask);
      for (const { id, kind } of expired) if (kind === 'disk') files.remove(ask.component, id);
      return expired.length;
    },

    /** A record was found to be damaged, or a transaction has failed: nothing of what is in memory may be trusted. */
    forget(component?: ComponentName): void {
      if (component === undefined) return forgetAll();
      heads.delete(component);
      working.drop(component);
    },

    /** What the retention does not keep; the journal that only such checkpoints need is given up at once. */
    expirable({ component, retention, at }: Jobs['expirable']['ask']): Jobs['expirable']['answer'] {
      const { expired, journalAfter } = retain(table.retainable(component), retention, at);
      journal.giveUp(component, Math.min(journalAfter, ...neededAfter(component)));
      return expired;
    },

    /**
     * Gives a slice of free pages back to the file system, and lets the WAL begin anew: it never shrinks by itself, and
     * would grow to all that is allowed to it. @returns how many pages are left.
     */
    vacuum(): number {
      db.pragma(`incremental_vacuum(${VACUUM_SLICE})`);
      db.pragma('wal_checkpoint(PASSIVE)');
      return Number(db.pragma('freelist_count', { simple: true }));
    },
  };
}

const newId = (at: number): CheckpointId => datedId('CP', at) as CheckpointId;

/** @throws Refusal BODY_INVALID naming the operation, or PATCH_REFUSED. */
function tryApply(component: ComponentName, state: unknown, operations: readonly unknown[], budget: Budget): unknown {
  try {
    return applyPatch(state, operations, budget);
  } catch (error) {
    if (error instanceof TooCostly) throw patchRefused(component, error.message);
    throw error instanceof PatchError ? bodyInvalid(`operations.${error.index}`, error.message) : error;
  }
}

const patchRefused = (component: ComponentName, why: string): Refusal =>
  new Refusal({ code: 'PATCH_REFUSED', parameters: { component, why: `${why}: send the whole state, with PUT` } });

const tooLarge = (component: ComponentName, bytes: number): Refusal =>
  new Refusal({ code: 'STATE_TOO_LARGE', parameters: { component, bytes, limitBytes: MOST_STATE_BYTES } });
