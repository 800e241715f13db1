import type { ComponentName } from '../model/index.ts';
import type { PutBody } from './body.ts';
import type { Head } from './checkpoint-table.ts';
import { diff } from './diff.ts';
import type { WorkingStates } from './working-states.ts';

/** A patch is computed for states of this size: a smaller one costs less to store than to compare. */
const WORTH_COMPARING_BYTES = 8 * 2 ** 10;
export const MOST_COMPARED_BYTES = 2 ** 20;
const MOST_OPERATIONS = 2_000;
const LONGEST_PAUSE = 32;

/** Whether a chain may have one more patch. */
type MayGoOn = (head: Head, nextBytes: number, at: number) => boolean;

/** Finds out whether what has changed is worth more than the whole, and does not try where that is of no use. */
export function createComparison(working: WorkingStates, mayGoOn: MayGoOn) {
  /** Puts that are not compared with the one before, because that was of no use the last time. */
  const pauses = new Map<ComponentName, { readonly length: number; left: number }>();

  /** The operations from the newest state to this one, as JSON, when they are worth more than storing it whole. */
  return function patchTo(
    head: Head | null,
    component: ComponentName,
    { state, value, exact }: PutBody,
    schemaVersion: number,
    at: number,
  ): Buffer | null {
    const before = head?.valid ? working.get(component, head.id) : undefined;
    if (!head || !before?.exact || !exact) return null;
    if (schemaVersion !== head.schemaVersion) return null;
    if (state.byteLength < WORTH_COMPARING_BYTES || state.byteLength > MOST_COMPARED_BYTES) return null;
    if (!mayGoOn(head, 0, at)) return null;
    const pause = pauses.get(component);
    if (pause && pause.left > 0) {
      pause.left--;
      return null;
    }
    const worthBytes = state.byteLength / 2;
    const operations = diff(before.value, value, { operations: MOST_OPERATIONS, bytes: worthBytes });
    const json = operations && Buffer.from(JSON.stringify(operations));
    if (json && json.byteLength <= worthBytes) {
      pauses.delete(component);
      return mayGoOn(head, json.byteLength, at) ? json : null;
    }
    const next = Math.min((pause?.length ?? 1) * 2, LONGEST_PAUSE);
    pauses.set(component, { length: next, left: next });
    return null;
  };
}
