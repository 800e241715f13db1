import type { Clock } from '../clock.ts';
import { ClientError } from './client-error.ts';
import type { RestoredState, SavedState } from './connection.ts';
import type { createJournalQueue } from './journal-queue.ts';
import type { Migrate } from './migrate.ts';

export interface StateOptions {
  readonly call: (method: string, path: string, body?: string, since?: number) => Promise<unknown>;
  readonly entries: ReturnType<typeof createJournalQueue>;
  readonly migrate: Migrate;
  /** Of what is stored, unless its call says otherwise; undefined: 1. */
  readonly schemaVersion?: number | undefined;
  readonly clock: Clock;
}

/** A state to be stored. */
export interface StateBody {
  readonly text: string;
  readonly schemaVersion: number | undefined;
}

/** What is remembered: asked for, and sent in the order in which it was given. */
export function createState({ call, entries, migrate, schemaVersion: own, clock }: StateOptions) {
  let saved: Promise<unknown> = Promise.resolve();
  /** The checkpoint that the next operations go on from; null: what is known of it here and there may differ. */
  let base: { readonly id: string; readonly schemaVersion: number } | null = null;
  let patches = 0;
  /** A state that was sent whole in the place of operations contains what was given until then. */
  let whole: { readonly patches: number; readonly checkpoint: SavedState } | null = null;
  /** What there is could not be read by this program: what it saved now would be put in its place. */
  let unread: ClientError | null = null;
  let migrated = false;
  /** How often another state has taken the place of the program's: what was sent before belongs to the one before. */
  let turns = 0;

  /** An older state sent again must never arrive after a newer one. */
  function inOrder<T>(send: (since: number) => Promise<T>): Promise<T> {
    const since = clock.monotonic();
    const sent = saved.then(() => send(since));
    saved = sent.catch(() => {});
    return sent;
  }

  async function store(method: string, path: string, body: StateBody, since: number): Promise<SavedState> {
    const turn = turns;
    base = null;
    const answer = (await call(method, path, body.text, since)) as SavedAnswer;
    const { checkpoint_id: id, kind = 'full' } = answer;
    if (turn === turns) base = { id, schemaVersion: body.schemaVersion ?? 1 };
    if (kind !== 'memory') migrated = false;
    return { checkpointId: id, kind };
  }

  /** @throws ClientError CHECKPOINT_NOT_NEWEST when there is nothing that operations of this version may go on from. */
  function baseFor(schemaVersion: number | undefined): NonNullable<typeof base> {
    if (base && (schemaVersion ?? base.schemaVersion) === base.schemaVersion) return base;
    throw new ClientError('CHECKPOINT_NOT_NEWEST', base ? OTHER_VERSION : NO_BASE);
  }

  /** Why nothing may be saved: what is there could not be read. */
  const whyUnread = (): ClientError | undefined =>
    unread
      ? new ClientError(unread.code, `Nothing is saved in its place: ${unread.message}`, { cause: unread })
      : undefined;
  /** @throws the same. */
  function requireRead(): void {
    const why = whyUnread();
    if (why) throw why;
  }

  async function fetch(path: string): Promise<RestoredState> {
    const answer = (await call('GET', path)) as StateAnswer;
    const given = await migrate(toRestored(answer));
    const { checkpointId: id, journal, migratedFrom, schemaVersion } = given;
    turns++;
    // What is journalled is part of the state here, and not of the checkpoint.
    base = id !== null && journal.length === 0 && migratedFrom === null ? { id, schemaVersion } : null;
    migrated = migratedFrom !== null;
    unread = null;
    entries.startAfter(answer.through ?? journal.at(-1)?.entryId ?? entries.last());
    return given;
  }

  return {
    /** What to continue from; the next entry comes after what it contains. */
    async restore(): Promise<RestoredState> {
      try {
        return await fetch('state');
      } catch (error) {
        if (error instanceof ClientError && UNREADABLE.has(error.code)) unread = error;
        throw error;
      }
    },
    /** @param path where there is another state to continue from. When it cannot be read, all goes on as before. */
    fetch,
    /** The program goes on with its own state, not with the one that was fetched. */
    disown: () => void (base = null),
    whyUnread,
    requireRead,
    /** It was given in another shape than it was saved in, and has not been saved since. */
    migrated: () => migrated,
    /** @throws ClientError USAGE */
    body: (state: unknown, through: number | undefined, schemaVersion = own): StateBody => ({
      text: stateText(state, schemaVersion, through),
      schemaVersion,
    }),
    async put(body: StateBody, method = 'PUT', path = 'state') {
      requireRead();
      return inOrder((since) => store(method, path, body, since));
    },
    /**
     * @param operations as JSON.
     * @param bodyOfAll the body of a put, for when the operations cannot be applied; undefined: then it rejects.
     */
    async patch(operations: string, through: number | undefined, bodyOfAll?: () => StateBody, schemaVersion = own) {
      requireRead();
      const mine = ++patches;
      const turn = turns;
      const version = schemaVersion === undefined ? '' : `,"schema_version":${schemaVersion}`;
      const upTo = through === undefined ? '' : `,"through":${through}`;
      return inOrder(async (since) => {
        if (whole && mine <= whole.patches) return whole.checkpoint;
        try {
          if (turn !== turns) throw new ClientError('CHECKPOINT_NOT_NEWEST', OTHER_STATE);
          const { id, schemaVersion: kept } = baseFor(schemaVersion);
          const text = `{"base":"${id}","operations":${operations}${version}${upTo}}`;
          return await store('PATCH', 'state', { text, schemaVersion: kept }, since);
        } catch (error) {
          if (!bodyOfAll || !(error instanceof ClientError && WANTS_ALL.has(error.code))) throw error;
        }
        const contained = patches;
        const stored = await store('PUT', 'state', bodyOfAll(), since);
        whole = { patches: contained, checkpoint: stored };
        return stored;
      });
    },
  };
}

/** A daemon of before there were kinds does not tell: it stores all that it is given. */
interface SavedAnswer {
  readonly checkpoint_id: string;
  readonly kind?: SavedState['kind'];
}

interface StateAnswer {
  readonly checkpoint_id: string | null;
  readonly state: unknown;
  readonly schema_version: number;
  readonly journal: readonly EntryAnswer[];
  readonly through?: number | null;
  readonly data_loss_seconds: number;
}

interface EntryAnswer {
  readonly entry_id: number;
  readonly at: number;
  readonly operation: string;
  readonly data: unknown;
  readonly schema_version?: number | null;
}

const toRestored = (answer: StateAnswer): RestoredState => ({
  checkpointId: answer.checkpoint_id,
  state: answer.state,
  schemaVersion: answer.schema_version,
  migratedFrom: null,
  journal: answer.journal.map(({ entry_id: entryId, at, operation, data, schema_version: schemaVersion = null }) => ({
    entryId,
    at,
    operation,
    data,
    schemaVersion,
  })),
  dataLossSeconds: answer.data_loss_seconds,
});

const NO_BASE = 'It is not known what the operations go on from: save the whole state first, with saveState.';
const OTHER_STATE = 'Another state was given meanwhile: save the whole state first, with saveState.';
const OTHER_VERSION = 'The checkpoint before is of another schema version: save the whole state first, with saveState.';
const WANTS_ALL = new Set(['CHECKPOINT_NOT_NEWEST', 'PATCH_REFUSED']);
const UNREADABLE = new Set(['SCHEMA_NEWER', 'MIGRATION_MISSING', 'MIGRATION_FAILED']);

/** The body of a checkpoint, in the form that the daemon stores without writing it anew. */
function stateText(state: unknown, schemaVersion: number | undefined, through: number | undefined): string {
  const text = JSON.stringify(state) as string | undefined;
  if (text === undefined) throw new ClientError('USAGE', 'The state must be something that JSON can hold.');
  const version = schemaVersion === undefined ? '' : `,"schema_version":${schemaVersion}`;
  return `{"state":${text}${version}${through === undefined ? '' : `,"through":${through}`}}`;
}
