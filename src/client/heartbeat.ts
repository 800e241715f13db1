import type { Clock } from '../clock.ts';
import type { HealthStatus } from '../model/index.ts';

/** What a component says of itself; all of it may be left out. */
export interface Beat {
  readonly status?: HealthStatus;
  readonly message?: string;
  /** Any number that grows while it works. */
  readonly progress?: number;
  /**
   * Whether anything has changed since the newest checkpoint: `clean`, nothing is asked for; `dirty`, at the next
   * interval, or when another component crashes; `urgent`, at once. For those who answer with `onGetState`.
   */
  readonly state?: 'clean' | 'dirty' | 'urgent';
  /**
   * Age of the oldest change that is neither in a checkpoint nor journalled, in seconds. Left out, it is counted from
   * the first beat that said `dirty`, and is 0 for a component that journals.
   */
  readonly dirtySeconds?: number;
  /** At most ten. */
  readonly metrics?: Readonly<Record<string, number>>;
}

export interface HeartbeatOptions {
  readonly intervalMs: number;
  /** Asked before each beat; when it throws, there is none. */
  readonly beat?: () => Beat;
  /** Hears of a beat that did not arrive. The next one is sent all the same. */
  readonly onError?: (error: unknown) => void;
}

/** Sends the first beat at once and one each interval, never two at a time. @returns how to stop. */
export function startHeartbeat(
  { intervalMs, beat, onError }: HeartbeatOptions,
  send: (beat: Beat) => Promise<void>,
  clock: Clock,
): () => void {
  let stopped = false;
  let cancel: (() => void) | undefined;
  const next = async () => {
    try {
      await send(beat?.() ?? {});
    } catch (error) {
      onError?.(error);
    }
    if (!stopped) cancel = clock.after(intervalMs, () => void next());
  };
  void next();
  return () => {
    stopped = true;
    cancel?.();
  };
}
