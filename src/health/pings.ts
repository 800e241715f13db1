import { sha256 } from '../digest.ts';
import type { EpochMs, EventOf } from '../model/index.ts';

/** What a job has told of itself: that it begins, that it is done, or that it has failed. */
export interface PingState {
  readonly startedAt: EpochMs | null;
  /** The last end, well or not. */
  readonly endedAt: EpochMs | null;
  /** Of that end; null: the job said that it failed, and no more. */
  readonly exitCode: number | null;
}

/** The latest pings of every token. Tokens are kept as their hashes only. */
export interface Pings {
  read(event: EventOf<'ping.received'>): void;
  /** null: none has come. */
  of(token: string): PingState | null;
}

/** What a token is called wherever something is stored. */
export const pingOf = (token: string): string => sha256(token).slice(0, 32);

export function createPings(past: readonly EventOf<'ping.received'>[]): Pings {
  const states = new Map<string, PingState>();
  const read = ({ ping, signal, exitCode, at }: EventOf<'ping.received'>) => {
    const before = states.get(ping) ?? { startedAt: null, endedAt: null, exitCode: null };
    states.set(ping, signal === 'start' ? { ...before, startedAt: at } : { startedAt: null, endedAt: at, exitCode });
  };
  for (const event of past) read(event);
  return { read, of: (token) => states.get(pingOf(token)) ?? null };
}
