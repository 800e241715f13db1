import type { Clock } from '../clock.ts';
import { randomHex } from '../digest.ts';
import type {
  ComponentName,
  ComponentRecord,
  RecoveryEvent,
  RecoveryId,
  RecoveryOutcome,
  StartReason,
} from '../model/index.ts';

interface Times {
  readonly faultAt: number;
  readonly detectedAt: number;
  decidedAt: number;
  spawnedAt: number;
}

/**
 * Tells the story of one component's recoveries, with the time that each phase took. A recovery lasts from the
 * first detection until it is verified healthy, however many restarts that takes; there is one at a time.
 */
export class RecoveryStory {
  readonly #component: ComponentName;
  readonly #clock: Clock;
  readonly #record: () => ComponentRecord;
  #times: Times | null = null;

  constructor(component: ComponentName, clock: Clock, record: () => ComponentRecord) {
    this.#component = component;
    this.#clock = clock;
    this.#record = record;
  }

  /** @param detectMs how long ago the fault began. */
  detected(detectMs = 0): void {
    const at = this.#clock.monotonic();
    this.#times ??= { faultAt: at - detectMs, detectedAt: at, decidedAt: at, spawnedAt: at };
  }

  decided(): void {
    if (this.#times) this.#times.decidedAt = this.#clock.monotonic();
  }

  spawned(): void {
    if (this.#times) this.#times.spawnedAt = this.#clock.monotonic();
  }

  /** Nothing comes of what was detected; a recovery under way goes on. */
  dropped(): void {
    if (!this.#record().recovery) this.#times = null;
  }

  /** The beginning, unless one is under way already. */
  begin(reason: StartReason): RecoveryEvent[] {
    if (this.#record().recovery) return [];
    this.detected();
    const at = this.#clock.now();
    const recovery = randomHex(16) as RecoveryId;
    return [{ type: 'recovery.started', component: this.#component, at, recovery, reason, detectedAt: at }];
  }

  /** The end, if one is under way. */
  finish(outcome: RecoveryOutcome): RecoveryEvent[] {
    const { recovery } = this.#record();
    const times = this.#times;
    this.#times = null;
    if (!recovery) return [];
    const now = this.#clock.monotonic();
    const at = this.#clock.now();
    // A recovery that an earlier daemon began: only the wall clock knows when.
    const durationMs = times ? now - times.detectedAt : Math.max(0, at - recovery.detectedAt);
    const phases = times
      ? {
          detectMs: times.detectedAt - times.faultAt,
          decideMs: times.decidedAt - times.detectedAt,
          actMs: Math.max(0, times.spawnedAt - times.decidedAt),
          verifyMs: Math.max(0, now - times.spawnedAt),
        }
      : { detectMs: 0, decideMs: 0, actMs: 0, verifyMs: durationMs };
    const { id, reason } = recovery;
    return [
      { type: 'recovery.finished', component: this.#component, at, recovery: id, reason, outcome, durationMs, phases },
    ];
  }
}
