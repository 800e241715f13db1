import type { Clock } from '../clock.ts';
import type { Emit, EventFields, ProcessUsage } from '../model/index.ts';
import type { Roster } from './roster.ts';

/** The decision loop's heartbeat: an alert fires when it stands still. */
const TICK_MS = 1_000;
/** Memory limits are judged on these readings, so they are as frequent as critical checks. */
const SAMPLE_MS = 5_000;
/** Often and little: what is let go of is used again before the files grow. */
const UPKEEP_MS = 60_000;

export interface RoundsDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly roster: Roster;
  /** Asks for the states that are due. */
  readonly saveStates: () => void;
  readonly sampleHost: () => Promise<EventFields['host.sampled']>;
  /** Old events and checkpoints go. */
  readonly upkeep: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** What happens again and again, whatever else happens. @returns how to end it. */
export function startRounds({ clock, emit, roster, saveStates, sampleHost, upkeep, onError }: RoundsDeps): () => void {
  const cancels = new Map<string, () => void>();

  const every = (name: string, ms: number, run: () => void): void => {
    const again = (): void => {
      try {
        run();
      } catch (error) {
        onError(error);
      }
      cancels.set(name, clock.after(ms, again));
    };
    cancels.set(name, clock.after(ms, again));
  };

  every('tick', TICK_MS, () => {
    const started = clock.monotonic();
    for (const keeper of roster) keeper.recheck();
    saveStates();
    emit({ type: 'daemon.ticked', at: clock.now(), durationMs: clock.monotonic() - started });
  });

  every('sample', SAMPLE_MS, () => {
    void sampleHost().then((sample) => emit({ type: 'host.sampled', at: clock.now(), ...sample }), onError);
    for (const keeper of roster) {
      // What its own check has read since the last round is not read again.
      const usage: ProcessUsage | null | undefined = keeper.life?.running?.usage(SAMPLE_MS);
      if (usage) emit({ type: 'component.sampled', component: keeper.name, at: clock.now(), usage });
    }
  });

  every('upkeep', UPKEEP_MS, () => void upkeep().catch(onError));

  return () => {
    for (const cancel of cancels.values()) cancel();
    cancels.clear();
  };
}
