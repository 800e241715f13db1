import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { ClientError } from './client-error.ts';

interface Waiting {
  readonly text: string;
  readonly since: number;
  readonly resolve: (entryId: number) => void;
  readonly reject: (error: unknown) => void;
}

export interface JournalQueueOptions {
  /** Sends a list of entries, and again while the daemon is away; resolves with their numbers. */
  readonly send: (body: string, since: number) => Promise<readonly number[]>;
  readonly now: () => number;
  readonly limit: number;
  /** Of the shape that entries are written under; undefined: it is not said. */
  readonly schemaVersion?: number | undefined;
}

const MOST_IN_A_LIST = 500;
const MOST_CHARACTERS_IN_A_LIST = 250_000;

/**
 * Entries on their way to the daemon, in order. Those added while a list is under way go together in the next one.
 * Each has an id of its own, so that sending it again stores it once. None is ever dropped silently.
 */
export function createJournalQueue({ send, now, limit, schemaVersion }: JournalQueueOptions) {
  const queue: Waiting[] = [];
  const origin = randomUUID();
  let count = 0;
  let last: number | null = null;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    // Whatever is journalled in the same turn goes in the same list.
    await setImmediate();
    while (queue.length > 0) await sendList(queue.slice(0, listLength()));
    running = undefined;
  }

  function listLength(): number {
    let characters = 0;
    const end = queue.findIndex(({ text }, index) => {
      characters += text.length;
      return index > 0 && (index >= MOST_IN_A_LIST || characters > MOST_CHARACTERS_IN_A_LIST);
    });
    return end === -1 ? queue.length : end;
  }

  async function sendList(list: readonly Waiting[]): Promise<void> {
    try {
      const ids = await send(`[${list.map(({ text }) => text).join()}]`, list[0]?.since ?? now());
      queue.splice(0, list.length);
      await acknowledge(list, ids);
    } catch (error) {
      const badEntry = error instanceof ClientError && (error.status === 400 || error.status === 413);
      if (badEntry && list.length > 1) {
        // The list was refused for one of them: alone, the others are stored.
        for (const entry of list) await sendList([entry]);
        return;
      }
      queue.splice(0, list.length);
      for (const { reject } of list) reject(error);
    }
  }

  /**
   * One per turn of the loop, so that whoever awaited an entry has applied it before the next one counts as
   * acknowledged: a checkpoint taken in between then says truly what it contains.
   */
  async function acknowledge(list: readonly Waiting[], ids: readonly number[]): Promise<void> {
    for (const [index, { resolve }] of list.entries()) {
      if (index > 0) await setImmediate();
      const id = ids[index] ?? 0;
      // An id of the caller's may belong to an entry of long ago.
      last = Math.max(last ?? 0, id);
      resolve(id);
    }
  }

  return {
    add(operation: string, data: unknown, id: string | undefined): Promise<number> {
      return new Promise((resolve, reject) => {
        if (queue.length >= limit) {
          const why = `${queue.length} journal entries are waiting for the daemon already; this one was not taken.`;
          throw new ClientError('QUEUE_FULL', why);
        }
        const text = JSON.stringify({
          operation,
          data,
          id: id ?? `${origin}-${++count}`,
          schema_version: schemaVersion,
        });
        queue.push({ text, since: now(), resolve, reject });
        running ??= run();
      });
    },
    /** The newest entry known to be stored; null: none. */
    last: () => last,
    startAfter: (entryId: number | null) => void (last = entryId),
    /** Resolves when nothing waits any more. */
    drained: () => running ?? Promise.resolve(),
  };
}
