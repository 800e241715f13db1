import type { CheckpointId, RestoreSource } from '../model/index.ts';
import type { CheckpointInfo } from './state-store.ts';

type Candidate = Pick<CheckpointInfo, 'checkpoint_id' | 'valid'>;

/**
 * Which checkpoint to continue from: the newest that is not known to be bad.
 * @param candidates of one component, newest first.
 * @param refused what must not be used although it counts as valid, for whatever reason.
 */
export function choose<C extends Candidate>(
  candidates: readonly C[],
  refused: ReadonlySet<CheckpointId>,
): { readonly checkpoint: C | null; readonly source: RestoreSource } {
  const index = candidates.findIndex((each) => each.valid && !refused.has(each.checkpoint_id));
  if (index === -1) return { checkpoint: null, source: 'none' };
  return { checkpoint: candidates[index] ?? null, source: index === 0 ? 'latest' : 'previous' };
}
