import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import { readEvents } from '../sse.ts';
import { isPassing } from './client-error.ts';

export interface CommandsOptions {
  /** Opens the stream of commands; rejects with the daemon's refusal. */
  readonly open: () => Promise<IncomingMessage>;
  /** Hears each command once. */
  readonly onCommand: (kind: string, id: string) => void;
  /** Hears the refusal after which no more commands will come: a newer life of the component has begun. */
  readonly onRefused: (error: unknown) => void;
  readonly clock: Clock;
}

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;

/**
 * Listens for commands, and again while the daemon is away, until it is stopped or refused for good. Keeps no process
 * alive. @returns how to stop.
 */
export function listenForCommands({ open, onCommand, onRefused, clock }: CommandsOptions): () => void {
  let stopped = false;
  let delayMs = FIRST_DELAY_MS;
  let stream: IncomingMessage | undefined;
  let cancel: (() => void) | undefined;
  /** A stream that was cut before we had answered is told again what to do. */
  let lastId: string | undefined;

  async function listen(): Promise<void> {
    stream = await open();
    if (stopped) stream.destroy();
    delayMs = FIRST_DELAY_MS;
    for await (const { event, id } of readEvents(stream)) {
      if (id === undefined || id === lastId || stopped) continue;
      lastId = id;
      onCommand(event, id);
    }
  }

  async function run(): Promise<void> {
    try {
      await listen();
    } catch (error) {
      if (!isPassing(error)) {
        stopped = true;
        onRefused(error);
      }
    }
    if (stopped) return;
    cancel = clock.after(delayMs * (0.5 + Math.random() / 2), () => void run());
    delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
  }

  void run();
  return () => {
    stopped = true;
    cancel?.();
    stream?.destroy();
  };
}
