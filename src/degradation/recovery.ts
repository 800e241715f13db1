import type { Clock } from '../clock.ts';

/** Where no configuration says how long all must have been well. */
const RECOVER_AFTER_MS = 60_000;

export interface RecoveryDeps {
  readonly clock: Clock;
  /** It begins in recovery mode. */
  readonly under: boolean;
  /** All that is meant to run is well. */
  readonly allWell: () => boolean;
  /** All has been well for a while. */
  readonly over: () => void;
}

/** Recovery mode, as the level knows it: it is over when all that is meant to run has been well for a while. */
export class Recovery {
  readonly #deps: RecoveryDeps;
  #under: boolean;
  #cancel: (() => void) | null = null;

  constructor(deps: RecoveryDeps) {
    this.#deps = deps;
    this.#under = deps.under;
  }

  get under(): boolean {
    return this.#under;
  }

  begin(): void {
    this.#under = true;
  }

  /** Something of the components has changed. @param recoverAfterMs how long all must be well. */
  look(recoverAfterMs = RECOVER_AFTER_MS): void {
    if (!this.#under) return;
    if (!this.#deps.allWell()) return this.close();
    this.#cancel ??= this.#deps.clock.after(recoverAfterMs, () => {
      this.#cancel = null;
      this.#under = false;
      this.#deps.over();
    });
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
