import { isDeepStrictEqual } from 'node:util';
import type { DegradationLevel, DegradationStanding } from '../model/index.ts';
import type { createCommandLine, Told } from './commands.ts';

/** How much is given up, and of each feature whether it is on: always whole. */
export type DegradationNews = DegradationStanding;

/** The answer in the place of a feature: `success` false, `error`, `fallback` true, and what the configuration adds. */
export type FallbackAnswer = Readonly<Record<string, unknown>>;

/**
 * What this program may do, and what it is to do without, as the daemon last said. Until it has said so all is on, and
 * so is a feature that the configuration does not know.
 */
export interface Features {
  /** `full` until the daemon has said. */
  readonly level: DegradationLevel;
  isAvailable(name: string): boolean;
  /** What to answer in its place; null while it is on. */
  fallback(name: string): FallbackAnswer | null;
  /**
   * Does what the feature is for while it is on; else nothing is begun, and the answer in its place is that of
   * `otherwise`, or what the configuration says. Rejects with what the one that was called threw.
   */
  run<T>(name: string, work: () => T | Promise<T>): Promise<T | FallbackAnswer>;
  run<T, U>(
    name: string,
    work: () => T | Promise<T>,
    otherwise: (answer: FallbackAnswer) => U | Promise<U>,
  ): Promise<T | U>;
  /** Hears no more; what it knows stays as it is. */
  close(): void;
}

export interface StandingHearer {
  readonly hear: (news: DegradationNews) => void;
  readonly onError: (error: unknown) => void;
}

/** What the daemon has said of features last, for all of this program who want to know: each is told, and nothing twice. */
export function createStandings(line: Pick<ReturnType<typeof createCommandLine>, 'hear'>) {
  /** With what each was told last. */
  const hearers = new Map<StandingHearer, DegradationNews | null>();
  let now: DegradationNews | null = null;
  let hangUp: () => void = () => {};

  function tell(hearer: StandingHearer): void {
    if (!now || !hearers.has(hearer) || hearers.get(hearer) === now) return;
    hearers.set(hearer, now);
    try {
      hearer.hear(now);
    } catch (error) {
      hearer.onError(error);
    }
  }

  function onCommand({ data }: Told): void {
    const { level, features } = data as unknown as DegradationNews;
    // Whoever listens anew is told all of it again.
    if (isDeepStrictEqual({ level, features }, now)) return;
    now = { level, features };
    for (const hearer of hearers.keys()) tell(hearer);
  }

  function onRefused(error: unknown): void {
    for (const { onError } of hearers.keys()) onError(error);
  }

  return {
    known: () => now,

    /** @returns how to stop hearing. */
    listen(hearer: StandingHearer): () => void {
      hearers.set(hearer, null);
      if (hearers.size === 1) hangUp = line.hear('degradation', { onCommand, onRefused });
      else queueMicrotask(() => tell(hearer));
      return () => {
        if (!hearers.delete(hearer) || hearers.size > 0) return;
        hangUp();
        now = null;
      };
    },
  };
}
export type Standings = ReturnType<typeof createStandings>;

export function createFeatures(standings: Standings, { hear, onError }: StandingHearer): Features {
  let now = standings.known();
  const close = standings.listen({
    hear(news) {
      now = news;
      hear(news);
    },
    onError,
  });

  function fallback(name: string): FallbackAnswer | null {
    const standing = now && Object.hasOwn(now.features, name) ? now.features[name] : undefined;
    return !standing || standing.enabled ? null : (standing.fallback ?? {});
  }

  return {
    get level() {
      return now?.level ?? 'full';
    },
    isAvailable: (name) => fallback(name) === null,
    fallback,
    async run<T, U>(
      name: string,
      work: () => T | Promise<T>,
      otherwise?: (answer: FallbackAnswer) => U | Promise<U>,
    ): Promise<T | U | FallbackAnswer> {
      const answer = fallback(name);
      if (answer === null) return work();
      return otherwise ? otherwise(answer) : answer;
    },
    close,
  };
}
