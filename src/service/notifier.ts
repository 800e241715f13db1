import type { Clock } from '../clock.ts';
import type { Listener } from '../model/index.ts';
import type { Channel } from './channel.ts';

/*
 * Tells a service manager how the daemon is, in the words of sd_notify(3). While it boots and while it stops, a beat
 * asks for more time, so that many components are no reason to kill what works on them. While it supervises, the same
 * beat feeds the watchdog, but only when the decision loop has ticked: a main loop that hangs beats no more, a
 * decision loop that stands still silences the beat.
 */

/** The loop ticks each second; after three that are missing it stands still. */
const FRESH_MS = 3_000;
const BEAT_MS = 10_000;
const MORE_TIME_USEC = 3 * BEAT_MS * 1_000;

export interface NotifierDeps {
  readonly clock: Clock;
  readonly channel: Channel;
  /** Within this time the manager wants to hear of us again, ms; null: it has no watchdog. */
  readonly watchdogMs: number | null;
  /** What could not be sent. */
  readonly onError: (error: unknown) => void;
}

/** Never throws, never rejects of itself: a deaf service manager is no reason to supervise less. */
export interface Notifier {
  readonly hear: Listener;
  /** From now on it supervises. @param status one line for people, made anew after each fact that is stored. */
  ready(status: () => string): void;
  /** Tells that the work is a reload. @returns what the work returns, or rejects as it does. */
  reloading<T>(work: () => Promise<T>): Promise<T>;
  stopping(): void;
  close(): Promise<void>;
}

export function createNotifier({ clock, channel, watchdogMs, onError }: NotifierDeps): Notifier {
  let phase: 'booting' | 'supervising' | 'stopping' = 'booting';
  let status = () => 'starting';
  let [told, stale] = ['', false];
  let tickedAt = clock.monotonic();
  /** What must not get lost, and did not arrive: said again with the next tick. */
  let unsaid: string | null = null;
  let [failing, closed] = [false, false];

  function say(text: string, important = false): void {
    if (closed) return;
    channel.send(text).then(
      () => (failing = false),
      (error: unknown) => {
        if (important) unsaid = text;
        // Once, until it works again: what beats would fill the log.
        if (!failing) onError(error);
        failing = true;
      },
    );
  }

  function state(text: string): void {
    unsaid = null;
    told = status();
    stale = false;
    say(`${text}\nSTATUS=${told}`, true);
  }

  let cancel = () => {};
  const beat = (): void => {
    if (phase !== 'supervising') say(`EXTEND_TIMEOUT_USEC=${MORE_TIME_USEC}`);
    else if (watchdogMs !== null && clock.monotonic() - tickedAt < FRESH_MS) say('WATCHDOG=1');
    schedule();
  };
  function schedule(): void {
    cancel();
    const everyMs = phase === 'supervising' && watchdogMs !== null ? watchdogMs / 2 : BEAT_MS;
    if (phase !== 'supervising' || watchdogMs !== null) cancel = clock.after(everyMs, beat);
  }
  schedule();

  return {
    hear(event, seq) {
      if (seq !== null) stale = true;
      if (event.type !== 'daemon.ticked') return;
      tickedAt = clock.monotonic();
      if (unsaid !== null) state(unsaid.slice(0, unsaid.indexOf('\n')));
      if (!stale || phase !== 'supervising') return;
      stale = false;
      const now = status();
      if (now !== told) say(`STATUS=${(told = now)}`);
    },
    ready(line) {
      if (phase === 'stopping') return;
      phase = 'supervising';
      status = line;
      tickedAt = clock.monotonic();
      state('READY=1');
      schedule();
    },
    async reloading(work) {
      if (phase !== 'supervising') return work();
      say(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}\nSTATUS=reading the configuration again`);
      try {
        return await work();
      } finally {
        // A reload that was refused is over too: what was in force goes on.
        if (phase === 'supervising') state('READY=1');
      }
    },
    stopping() {
      phase = 'stopping';
      status = () => 'stopping';
      state('STOPPING=1');
      beat();
    },
    async close() {
      closed = true;
      cancel();
      await channel.close();
    },
  };
}
