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
  return {
    /** @param path where there is a state to continue from; the next entry comes after what it contains. */
    async fetch(path: string): Promise<RestoredState> {
      const answer = (await call('GET', path)) as StateAnswer;
      const journal = answer.journal.map(({ entry_id: entryId, ...rest }) => ({ entryId, ...rest }));
      entries.startAfter(answer.through ?? journal.at(-1)?.entryId ?? entries.last());
      return {
        checkpointId: answer.checkpoint_id,
        state: answer.state,
        schemaVersion: answer.schema_version,
        journal,
        dataLossSeconds: answer.data_loss_seconds,
      };
    },
    async put(body: string, method = 'PUT', path = 'state'): Promise<{ checkpointId: string }> {
      const before = saved;
      const since = clock.monotonic();
      // An older state sent again must never arrive after a newer one.
      const sent = before.then(() => call(method, path, body, since));
      saved = sent.catch(() => {});
      return { checkpointId: ((await sent) as { checkpoint_id: string }).checkpoint_id };
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

/** The body of a checkpoint, in the form that the daemon stores without writing it anew. */
export function stateBody(state: unknown, schemaVersion: number | undefined, through: number | undefined): string {
  const text = JSON.stringify(state) as string | undefined;
  if (text === undefined) throw new ClientError('USAGE', 'The state must be something that JSON can hold.');
  const version = schemaVersion === undefined ? '' : `,"schema_version":${schemaVersion}`;
  return `{"state":${text}${version}${through === undefined ? '' : `,"through":${through}`}}`;
}
