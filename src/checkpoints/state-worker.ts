import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { sentenceOf, type ParamedicError } from '../errors.ts';
import type { Answer, FromWorker, JobName, Jobs, Opened, Sent, WorkerData } from './protocol.ts';
import { storeFailed, toError } from './refusal.ts';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** That were given away with it. */
  readonly bytes: number;
}

export interface StateWorkerOptions {
  readonly entry: URL;
  /** One of that file which was started already, without data: the first to be used, unless it has ended. */
  readonly ahead?: Worker | undefined;
  /** Asked at each start. */
  readonly data: () => WorkerData;
  readonly clock: Clock;
  /** Hears that all of the WAL of events.db is in its file. */
  readonly onEventsMoved: () => void;
  /** Hears what else lives on that thread. */
  readonly onBesides: (message: unknown) => void;
  readonly onOpened: (opened: Opened) => void;
  /** It could not be opened, and will be tried again; with an error when it must not be, as things are. */
  readonly onNotOpened: (refused: ParamedicError | null) => void;
  /** 256 MiB unless given. */
  readonly mostWaitingBytes?: number;
}

const RESTART_AFTER_MS = 1_000;
/** The id of a thread that has ended. */
const ENDED = -1;
const LONG_LETTER_BYTES = 2 ** 14;
/** Given to the thread and not on disk yet. A disk that is slower than all who save must not fill the memory. */
const MOST_WAITING_BYTES = 2 ** 28;
const TOO_MUCH_WAITS = 'too much is waiting for the disk already: send it again a little later';

/** What is asked within one turn goes to the worker together: a message costs more than what it asks for. */
interface Letter {
  readonly requests: Sent[];
  /** Bytes that go with them without being copied. */
  readonly given: ArrayBuffer[];
  bytes: number;
}
const emptyLetter = (): Letter => ({ requests: [], given: [], bytes: 0 });

/**
 * The worker thread seen from outside: questions and answers. When it dies, what was pending fails with STORE_FAILED
 * and it is started again: at once when it had been working, after a second when it did not even begin. Until then
 * every question fails at once.
 */
export function createStateWorker(options: StateWorkerOptions) {
  const {
    entry,
    data,
    clock,
    onEventsMoved,
    onBesides,
    onOpened,
    onNotOpened,
    mostWaitingBytes = MOST_WAITING_BYTES,
  } = options;
  let { ahead } = options;
  const pending = new Map<number, Pending>();
  let letter = emptyLetter();
  let lastId = 0;
  let commits = 0;
  let waitingBytes = 0;
  let worker: Worker | undefined;
  let whyDown = '';
  let cancelRestart: (() => void) | undefined;
  let closed = false;

  function startThread(workerData: WorkerData): Worker {
    const waiting = ahead;
    ahead = undefined;
    if (waiting === undefined || waiting.threadId === ENDED) return new Worker(entry, { workerData });
    waiting.ref();
    waiting.postMessage(workerData);
    return waiting;
  }

  function start(): void {
    cancelRestart = undefined;
    const thread = startThread(data());
    let working = false;
    let refused: ParamedicError | null = null;
    thread.on('message', (message: FromWorker) => {
      if ('waits' in message) return;
      if ('eventsMoved' in message) return onEventsMoved();
      if ('besides' in message) return onBesides(message.besides);
      if ('refused' in message) {
        refused = toError(message.refused);
        return;
      }
      working = true;
      if ('answers' in message) settle(message);
      else onOpened(message.opened);
    });
    // An answer that cannot be read is nobody's: all who wait ask again.
    thread.on('messageerror', (error) => failAll(`its answer cannot be read: ${sentenceOf(error)}`));
    thread.on('error', (error) => (whyDown = sentenceOf(error)));
    thread.once('exit', () => {
      worker = undefined;
      whyDown = refused?.message ?? whyDown;
      failAll(whyDown || 'its worker has ended');
      if (!working) onNotOpened(refused);
      if (closed) return;
      if (working) start();
      else cancelRestart = clock.after(RESTART_AFTER_MS, start);
    });
    worker = thread;
  }

  function failAll(why: string): void {
    const error = toError(storeFailed(why));
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
    waitingBytes = 0;
  }

  function settle(message: Extract<FromWorker, { answers: unknown }>): void {
    commits = message.commits;
    message.answers.forEach(settleOne);
  }

  function settleOne(answer: Answer): void {
    const asker = pending.get(answer.id);
    pending.delete(answer.id);
    waitingBytes -= asker?.bytes ?? 0;
    if ('refused' in answer) asker?.reject(toError(answer.refused));
    else asker?.resolve(answer.value);
  }

  function ask<J extends JobName>(
    job: J,
    question: Sent<Jobs[J]['ask']>,
    given: readonly ArrayBuffer[] = [],
  ): Promise<Jobs[J]['answer']> {
    return new Promise((resolve, reject) => {
      if (!worker || closed) return reject(toError(storeFailed(closed ? 'it is closed' : whyDown)));
      const bytes = given.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (waitingBytes + bytes > mostWaitingBytes) return reject(toError(storeFailed(TOO_MUCH_WAITS)));
      waitingBytes += bytes;
      const id = ++lastId;
      pending.set(id, { resolve: resolve as Pending['resolve'], reject, bytes });
      if (letter.requests.push({ id, job, ...question } as unknown as Sent) === 1) queueMicrotask(send);
      letter.given.push(...given);
      letter.bytes += bytes;
      // It has something to do while the others are written.
      if (letter.bytes > LONG_LETTER_BYTES) send();
    });
  }

  function send(): void {
    const { requests, given } = letter;
    letter = emptyLetter();
    try {
      if (requests.length > 0) worker?.postMessage(requests, given);
    } catch (error) {
      // Bytes that were given away before.
      for (const { id } of requests) settleOne({ id, refused: storeFailed(sentenceOf(error)) });
    }
  }

  start();
  return {
    ask,
    /** Transactions since the worker began. */
    commits: () => commits,
    /** Resolves when all that was asked is answered and the files are closed. */
    async close(): Promise<void> {
      cancelRestart?.();
      const thread = worker;
      if (closed || !thread) {
        closed = true;
        return;
      }
      const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
      const answered = ask('close', {}).catch(() => {});
      closed = true;
      await answered;
      await exited;
    },
  };
}
export type StateWorker = ReturnType<typeof createStateWorker>;
