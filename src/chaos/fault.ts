import type { ProcessIdentity } from '../model/index.ts';

/** Whom a fault hits, and what it may ask for. */
export interface FaultTarget {
  readonly process: ProcessIdentity;
  /** Certain that the pid is still this process and nobody else. */
  readonly isStill: (process: ProcessIdentity) => boolean;
  /** Starts the component as a person would. Resolves with one line for people, when it is verified healthy. */
  readonly start: () => Promise<string>;
}

/** Puts right what a fault has left behind; called only when something is. @returns how, for people. */
export type Undo = () => Promise<string>;

/** One way to hurt a component for real: name, sentence and behaviour in one file. */
export interface Fault {
  readonly kind: string;
  readonly summary: string;
  /** Makes the fault. @returns its own undo; null: the process has gone or its pid is another's, nobody was hit. */
  inject(target: FaultTarget): Promise<Undo | null>;
}

export const defineFault = <F extends Fault>(fault: F): F => fault;
