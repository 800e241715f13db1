/*
 * What a body may ask for. Values that are nested deeper overflow the stack of whoever writes them, hands them from
 * thread to thread or reads them in another language: such a state would be taken and never be given back. And a few
 * copies of the whole in its own copy would fill the machine's memory.
 */

export const MOST_LEVELS = 1_000;
/** Of the JSON of a state: as many as the body that puts it whole may have. */
export const MOST_STATE_BYTES = 16 * 2 ** 20;
/** Copied or moved deeper by one patch, roughly as JSON. */
const MOST_COPIED_BYTES = 32 * 2 ** 20;
/** Elements of lists that make room or close up: about a second of work. */
const MOST_SHIFTED = 2 ** 28;

/** The whole state must be sent in place of such a patch. */
export class TooCostly extends Error {}

/** What one patch has asked for so far. Each @throws TooCostly */
export type Budget = ReturnType<typeof createBudget>;

export function createBudget() {
  let copiedBytes = 0;
  let shifted = 0;
  let doubledBytes = 0;

  function walk(value: unknown, levels: number): number {
    if (typeof value === 'string') return value.length;
    if (typeof value !== 'object' || value === null) return 8;
    if (levels <= 0) throw new TooCostly(`it nests values deeper than ${MOST_LEVELS} levels`);
    let bytes = 8;
    for (const [key, inner] of Object.entries(value)) bytes += key.length + walk(inner, levels - 1);
    return bytes;
  }

  return {
    /** A value of the patch itself comes to lie below so many levels. */
    place: (value: unknown, above: number): void => void walk(value, MOST_LEVELS - above),
    /** So does one that was there, once more or deeper than before. */
    copy(value: unknown, above: number): void {
      copiedBytes += walk(value, MOST_LEVELS - above);
      if (copiedBytes > MOST_COPIED_BYTES) throw new TooCostly('it copies too much');
    },
    /** A copy of so many bytes of JSON is part of the state from now on. */
    double: (bytes: number): void => void (doubledBytes += bytes),
    /** By how much at most the operations make a state longer that are this long themselves. */
    growth: (operationsBytes: number): number => operationsBytes + doubledBytes,
    shift(elements: number): void {
      shifted += elements;
      if (shifted > MOST_SHIFTED) throw new TooCostly('it moves too many elements of lists');
    },
  };
}
