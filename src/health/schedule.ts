import { PULSE_MS, type Clock } from '../clock.ts';

/** Of thousands that are due at once, so many ms' worth run in a row: what has arrived meanwhile gets its turn too. */
const SLICE_MS = 8;

/** Many due times, one timer: `O(log n)` each, so that ten thousand checks cost no more than their runs. */
export interface Schedule {
  /**
   * Calls `run` once when the clock's monotonic time has reached `due`.
   * @param earlyMs may be called so much sooner, together with something else that happens then: each time that this
   * process wakes up costs more than a check.
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

export function createSchedule(clock: Pick<Clock, 'monotonic' | 'after' | 'every'>): Schedule {
  const heap: Entry[] = [];
  let armed: { readonly due: number; readonly cancel: () => void } | null = null;
  let endPulse: (() => void) | null = null;
  let running = false;

  function arm(): void {
    if (running) return;
    while (heap[0]?.run === null) pop(heap);
    const [head] = heap;
    // A timer that finds nothing sets itself anew, once; to set it anew for each run that is called off costs more.
    if (!head || (armed && armed.due <= head.due)) return;
    armed?.cancel();
    // Rounded up: timers count whole milliseconds, and one that fires early would fire twice.
    armed = { due: head.due, cancel: clock.after(Math.max(0, Math.ceil(head.due - clock.monotonic())), tick) };
  }

  function tick(): void {
    armed = null;
    // A timer that fires early finds nothing: who may come early comes along with somebody who is due.
    if ((heap[0]?.due ?? Infinity) <= clock.monotonic()) runWhoMay();
    else arm();
  }

  function runWhoMay(): void {
    running = true;
    try {
      const began = clock.monotonic();
      for (let now = began, head = heap[0]; head && head.due - head.earlyMs <= now; head = heap[0]) {
        pop(heap);
        head.run?.();
        now = clock.monotonic();
        if (now - began > SLICE_MS) break;
      }
    } finally {
      running = false;
      arm();
    }
  }

  return {
    at(due, run, earlyMs = 0) {
      const entry: Entry = { due, earlyMs, run };
      push(heap, entry);
      arm();
      // Whoever may come early comes when this process is awake anyway.
      if (earlyMs > 0) endPulse ??= clock.every(PULSE_MS, runWhoMay);
      return () => {
        entry.run = null;
      };
    },
    stop() {
      armed?.cancel();
      armed = null;
      endPulse?.();
      endPulse = null;
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
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const child = right && left && right.due < left.due ? 2 * at + 2 : 2 * at + 1;
    const below = heap[child];
    if (!below || below.due >= last.due) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
}
