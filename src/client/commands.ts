import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';
import type { CommandKind } from '../model/index.ts';
import { readEvents } from '../sse.ts';
import { isPassing } from './client-error.ts';

/** What the component is told to do. */
export interface Told {
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Hearer {
  readonly onCommand: (told: Told) => void;
  /** Hears the refusal after which no more commands will come: a newer life of the component has begun. */
  readonly onRefused: (error: unknown) => void;
}

export interface CommandLineOptions {
  /** Opens the stream of commands of these kinds; rejects with the daemon's refusal. */
  readonly open: (kinds: readonly CommandKind[]) => Promise<IncomingMessage>;
  readonly clock: Clock;
}

const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 1_000;
/** A command is told again when the stream was cut before it was answered; never so many at a time. */
const REMEMBERED = 100;

/**
 * One stream for all that the program listens for, open while it listens for anything. Each command goes to the newest
 * hearer of its kind, once. Keeps no process alive.
 */
export function createCommandLine({ open, clock }: CommandLineOptions) {
  /** Newest last. */
  const hearers: { readonly kind: CommandKind; readonly hearer: Hearer }[] = [];
  const obeyed = new Set<string>();
  let stop: () => void = () => {};
  let changing = false;

  function obey(kind: string, id: string, data: string): void {
    const newest = hearers.findLast((one) => one.kind === kind);
    if (!newest || obeyed.has(id)) return;
    obeyed.add(id);
    for (const oldest of obeyed) if (obeyed.size > REMEMBERED) obeyed.delete(oldest);
    newest.hearer.onCommand({ id, data: JSON.parse(data) as Told['data'] });
  }

  function onRefused(error: unknown): void {
    for (const { hearer } of hearers.splice(0)) hearer.onRefused(error);
  }

  /** What is asked for in the same turn is one stream. */
  function changed(): void {
    if (changing) return;
    changing = true;
    queueMicrotask(() => {
      changing = false;
      stop();
      const kinds = [...new Set(hearers.map(({ kind }) => kind))];
      stop = kinds.length === 0 ? () => {} : listen({ open: () => open(kinds), obey, onRefused, clock });
    });
  }

  return {
    /** @returns how to stop hearing. */
    hear(kind: CommandKind, hearer: Hearer): () => void {
      const one = { kind, hearer };
      const isNew = !hearers.some((other) => other.kind === kind);
      hearers.push(one);
      if (isNew) changed();
      return () => {
        const index = hearers.indexOf(one);
        if (index === -1) return;
        hearers.splice(index, 1);
        if (!hearers.some((other) => other.kind === kind)) changed();
      };
    },
    close(): void {
      hearers.length = 0;
      stop();
      stop = () => {};
    },
  };
}

interface Stream {
  readonly open: () => Promise<IncomingMessage>;
  readonly obey: (kind: string, id: string, data: string) => void;
  readonly onRefused: (error: unknown) => void;
  readonly clock: Clock;
}

/** Listens, and again while the daemon is away, until it is stopped or refused for good. @returns how to stop. */
function listen({ open, obey, onRefused, clock }: Stream): () => void {
  let stopped = false;
  let delayMs = FIRST_DELAY_MS;
  let stream: IncomingMessage | undefined;
  let cancel: (() => void) | undefined;

  async function read(): Promise<void> {
    stream = await open();
    if (stopped) stream.destroy();
    delayMs = FIRST_DELAY_MS;
    for await (const { event, id, data } of readEvents(stream)) if (id !== undefined && !stopped) obey(event, id, data);
  }

  async function run(): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!isPassing(error) && !stopped) {
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
