import type { Clock } from '../clock.ts';

/** Of thousands that are due at once, so many ms' worth run in a row: what has arrived meanwhile gets its turn too. */
const SLICE_MS = 8;

/** Many due times, one timer: `O(log n)` each, so that ten thousand checks cost no more than their runs. */
export interface Schedule {
  /**
   * Calls `run` once when the clock's monotonic time has reached `due`.
   * @param earlyMs may be called so much sooner, together with something else that is due: each time that this process
   * wakes up costs more than a check.
   * @returns how to call it off.
   */
  at(due: number, run: () => void, earlyMs?: number): () => void;
  /** Calls everything off. */
  stop(): void;
}

interface Entry {
  readonly due: number;
  readonly earlyMs: number;
  /** Null once called off: it leaves the heap when its time comes. */
  run: (() => void) | null;
}

export function createSchedule(clock: Pick<Clock, 'monotonic' | 'after'>): Schedule {
  const heap: Entry[] = [];
  let armed: { readonly due: number; readonly cancel: () => void } | null = null;

  function arm(): void {
    while (heap[0]?.run === null) pop(heap);
    const [head] = heap;
    if (!head || (armed && armed.due <= head.due)) return;
    armed?.cancel();
    // Rounded up: timers count whole milliseconds, and one that fires early would fire twice.
    armed = { due: head.due, cancel: clock.after(Math.max(0, Math.ceil(head.due - clock.monotonic())), tick) };
  }

  function tick(): void {
    armed = null;
    try {
      // A timer that fires early finds nothing: who may come early comes along with somebody who is due.
      const began = clock.monotonic();
      const isDue = (heap[0]?.due ?? Infinity) <= began;
      for (let now = began, head = heap[0]; isDue && head && head.due - head.earlyMs <= now; head = heap[0]) {
        pop(heap);
        head.run?.();
        now = clock.monotonic();
        if (now - began > SLICE_MS) break;
      }
    } finally {
      arm();
    }
  }

  return {
    at(due, run, earlyMs = 0) {
      const entry: Entry = { due, earlyMs, run };
      push(heap, entry);
      arm();
      return () => {
        entry.run = null;
      };
    },
    stop() {
      armed?.cancel();
      armed = null;
      heap.length = 0;
    },
  };
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (!above || above.due <= entry.due) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]];
    const child = right && left && right.due < left.due ? 2 * at + 2 : 2 * at + 1;
    const below = heap[child];
    if (!below || below.due >= last.due) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}
