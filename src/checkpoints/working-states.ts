import type { CheckpointId, ComponentName } from '../model/index.ts';

/** The newest state of a component as it is in memory: patches are applied to it, and computed against it. */
export interface WorkingState {
  readonly checkpoint: CheckpointId;
  readonly value: unknown;
  /** JavaScript reads and writes it without changing it (`JsonText.exact`). */
  readonly exact: boolean;
  /** Of its JSON when it was last known: the measure of what it takes. */
  readonly sizeBytes: number;
}

/** JSON of all states that are held; in memory they take a few times as much. */
const MOST_BYTES = 16 * 2 ** 20;

/** Holds the states that were written last, as many as there is room for. */
export function createWorkingStates(mostBytes = MOST_BYTES) {
  const states = new Map<ComponentName, WorkingState>();
  let bytes = 0;

  function drop(component: ComponentName): void {
    bytes -= states.get(component)?.sizeBytes ?? 0;
    states.delete(component);
  }

  return {
    get: (component: ComponentName, checkpoint: CheckpointId): WorkingState | undefined => {
      const state = states.get(component);
      return state?.checkpoint === checkpoint ? state : undefined;
    },
    keep(component: ComponentName, state: WorkingState): void {
      drop(component);
      if (state.sizeBytes > mostBytes) return;
      states.set(component, state);
      bytes += state.sizeBytes;
      if (bytes <= mostBytes) return;
      for (const oldest of states.keys()) if (bytes > mostBytes) drop(oldest);
    },
    drop,
    clear(): void {
      states.clear();
      bytes = 0;
    },
  };
}
export type WorkingStates = ReturnType<typeof createWorkingStates>;
