import type { Clock } from '../clock.ts';
import { ClientError } from './client-error.ts';
import type { RestoredState } from './connection.ts';
import type { createJournalQueue } from './journal-queue.ts';

export interface StateOptions {
  readonly call: (method: string, path: string, body?: string, since?: number) => Promise<unknown>;
  readonly entries: ReturnType<typeof createJournalQueue>;
  readonly clock: Clock;
}

/** What is remembered: asked for, and sent in the order in which it was given. */
export function createState({ call, entries, clock }: StateOptions) {
  let saved: Promise<unknown> = Promise.resolve();
  /** The checkpoint that the next operations go on from; null: what is known of it here and there may differ. */
  let base: string | null = null;
  let patches = 0;
  /** A state that was sent whole in the place of operations contains what was given until then. */
  let whole: { readonly patches: number; readonly checkpointId: string } | null = null;

  /** An older state sent again must never arrive after a newer one. */
  function inOrder<T>(send: (since: number) => Promise<T>): Promise<T> {
    const since = clock.monotonic();
    const sent = saved.then(() => send(since));
    saved = sent.catch(() => {});
    return sent;
  }

  async function store(method: string, path: string, body: string, since: number): Promise<{ checkpointId: string }> {
    base = null;
    const { checkpoint_id: checkpointId } = (await call(method, path, body, since)) as { checkpoint_id: string };
    base = checkpointId;
    return { checkpointId };
  }

  return {
    /** @param path where there is a state to continue from; the next entry comes after what it contains. */
    async fetch(path: string): Promise<RestoredState> {
      const answer = (await call('GET', path)) as StateAnswer;
      const journal = answer.journal.map(({ entry_id: entryId, ...rest }) => ({ entryId, ...rest }));
      // What is journalled is part of the state here, and not of the checkpoint.
      base = journal.length === 0 ? answer.checkpoint_id : null;
      entries.startAfter(answer.through ?? journal.at(-1)?.entryId ?? entries.last());
      return {
        checkpointId: answer.checkpoint_id,
        state: answer.state,
        schemaVersion: answer.schema_version,
        journal,
        dataLossSeconds: answer.data_loss_seconds,
      };
    },
    put: (body: string, method = 'PUT', path = 'state') => inOrder((since) => store(method, path, body, since)),
    /**
     * @param operations as JSON.
     * @param bodyOfAll the body of a put, for when the operations cannot be applied; undefined: then it rejects.
     */
    patch(operations: string, through: number | undefined, bodyOfAll: (() => string) | undefined) {
      const mine = ++patches;
      const upTo = through === undefined ? '' : `,"through":${through}`;
      return inOrder(async (since) => {
        if (whole && mine <= whole.patches) return { checkpointId: whole.checkpointId };
        try {
          if (base === null) throw new ClientError('CHECKPOINT_NOT_NEWEST', NO_BASE);
          return await store('PATCH', 'state', `{"base":"${base}","operations":${operations}${upTo}}`, since);
        } catch (error) {
          if (!bodyOfAll || !(error instanceof ClientError && WANTS_ALL.has(error.code))) throw error;
        }
        const contained = patches;
        const stored = await store('PUT', 'state', bodyOfAll(), since);
        whole = { patches: contained, ...stored };
        return stored;
      });
    },
  };
}

interface StateAnswer {
  readonly checkpoint_id: string | null;
  readonly state: unknown;
  readonly schema_version: number;
  readonly journal: readonly { entry_id: number; at: number; operation: string; data: unknown }[];
  readonly through?: number | null;
  readonly data_loss_seconds: number;
}

const NO_BASE = 'It is not known what the operations go on from: save the whole state first, with saveState.';
const WANTS_ALL = new Set(['CHECKPOINT_NOT_NEWEST', 'PATCH_REFUSED']);

/** The body of a checkpoint, in the form that the daemon stores without writing it anew. */
export function stateBody(state: unknown, schemaVersion: number | undefined, through: number | undefined): string {
  const text = JSON.stringify(state) as string | undefined;
  if (text === undefined) throw new ClientError('USAGE', 'The state must be something that JSON can hold.');
  const version = schemaVersion === undefined ? '' : `,"schema_version":${schemaVersion}`;
  return `{"state":${text}${version}${through === undefined ? '' : `,"through":${through}`}}`;
}
