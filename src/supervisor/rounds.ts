import type { Clock } from '../clock.ts';
import type { Emit, EventFields, EventOf, ProcessUsage } from '../model/index.ts';
import type { Roster } from './roster.ts';

/** The decision loop's heartbeat: an alert fires when it stands still. */
const TICK_MS = 1_000;
/** Memory limits are judged on these readings, so they are as frequent as critical checks. */
const SAMPLE_MS = 5_000;
/** Often and little: what is let go of is used again before the files grow. */
const UPKEEP_MS = 60_000;
/** Each component is asked for, and retention is told in hours. */
const PRUNE_STATES_MS = 600_000;

export interface RoundsDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly roster: Roster;
  /** Asks for the states that are due. */
  readonly saveStates: () => void;
  /** Tells how long it has been at its level of degradation. */
  readonly account: () => void;
  readonly sampleHost: () => Promise<EventFields['host.sampled']>;
  /** Old events go. */
  readonly upkeep: () => Promise<void>;
  /** Old checkpoints go. */
  readonly pruneStates: () => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}

/** What happens again and again, whatever else happens. @returns how to end it. */
export function startRounds(deps: RoundsDeps): () => void {
  const { clock, emit, roster, saveStates, account, sampleHost, upkeep, pruneStates, onError } = deps;
  const cancels: (() => void)[] = [];
  const every = (ms: number, run: () => void): void => {
    const guarded = (): void => {
      try {
        run();
      } catch (error) {
        onError(error);
      }
    };
    cancels.push(clock.every(ms, guarded));
  };

  every(TICK_MS, () => {
    const started = clock.monotonic();
    for (const keeper of roster) keeper.recheck();
    saveStates();
    emit({ type: 'daemon.ticked', at: clock.now(), durationMs: clock.monotonic() - started });
  });

  every(SAMPLE_MS, () => {
    account();
    void sampleHost().then((sample) => emit({ type: 'host.sampled', at: clock.now(), ...sample }), onError);
    const samples: EventOf<'component.sampled'>[] = [];
    for (const keeper of roster) {
      // What its own check has read since the last round is not read again.
      const usage: ProcessUsage | null | undefined = keeper.life?.running?.usage(SAMPLE_MS);
      if (usage) samples.push({ type: 'component.sampled', component: keeper.name, at: clock.now(), usage });
    }
    emit(...samples);
  });

  every(UPKEEP_MS, () => void upkeep().catch(onError));
  every(PRUNE_STATES_MS, () => void pruneStates().catch(onError));

  return () => {
    for (const cancel of cancels) cancel();
  };
}
