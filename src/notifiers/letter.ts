import { sha256 } from '../digest.ts';
import type { Fold } from './folds.ts';
import type { Tellable } from './occasion.ts';

/** One thing that a target is to be told. */
export interface Letter {
  /** The same however often it is sent, by whichever daemon; another for each other letter. */
  readonly id: string;
  /** Number of the event that it tells of. */
  readonly seq: number;
  readonly event: Tellable;
  /** It tells of further crashes like the one that `event` is; null: of `event` itself. */
  readonly fold: Fold | null;
}

const idOf = (event: Tellable): string => sha256(JSON.stringify(event)).slice(0, 32);

export const letterOf = (seq: number, event: Tellable): Letter => ({ id: idOf(event), seq, event, fold: null });

export const summaryOf = (fold: Fold): Letter => ({
  id: `${idOf(fold.head)}-more`,
  seq: fold.seq,
  event: fold.head,
  fold,
});
