import type { CheckpointId, ComponentName, EpochMs } from '../model/index.ts';
import type { CheckpointTable } from './checkpoint-table.ts';
import type { CheckpointInfo } from './state-store.ts';

/** A checkpoint that is in memory only: its bytes as a record would hold them. */
export interface HeldState {
  readonly info: CheckpointInfo;
  readonly bytes: Uint8Array;
}

const MOST_BYTES = 32 * 2 ** 20;
const MOST_COMPONENTS = 256;

/**
 * Checkpoints of the kind `memory`: of each component the newest. One counts as long as no newer one is stored, whose
 * place it has; none survives this thread.
 */
export function createHeldStates({ mostBytes = MOST_BYTES, mostComponents = MOST_COMPONENTS } = {}) {
  const states = new Map<ComponentName, HeldState>();
  let bytes = 0;

  function drop(component: ComponentName): void {
    bytes -= states.get(component)?.bytes.byteLength ?? 0;
    states.delete(component);
  }

  return {
    get: (component: ComponentName): HeldState | undefined => states.get(component),
    all: () => states.values(),
    drop,

    /** In place of the one before. @returns false when there is no room for it: nothing has changed then. */
    keep(state: HeldState): boolean {
      const { component } = state.info;
      const before = states.get(component);
      const isNew = before ? 0 : 1;
      if (states.size + isNew > mostComponents) return false;
      if (bytes - (before?.bytes.byteLength ?? 0) + state.bytes.byteLength > mostBytes) return false;
      drop(component);
      states.set(component, state);
      bytes += state.bytes.byteLength;
      return true;
    },
  };
}
export type HeldStates = ReturnType<typeof createHeldStates>;

/** The table as whoever reads between transactions sees it: the held ones before the stored ones. */
export function withHeld(table: CheckpointTable, held: HeldStates): CheckpointTable {
  const find = (id: CheckpointId): HeldState | undefined =>
    [...held.all()].find((state) => state.info.checkpoint_id === id);
  const infos = (component: ComponentName | null): CheckpointInfo[] =>
    [...held.all()].filter((state) => component === null || state.info.component === component).map(({ info }) => info);

  return {
    ...table,
    list(component, most = -1, upTo = Number.MAX_SAFE_INTEGER) {
      const inMemory = infos(component).filter(({ sequence }) => sequence <= upTo);
      const all = [...inMemory, ...table.list(component, most, upTo)];
      return most < 0 ? all : all.slice(0, most);
    },
    one: (id) => find(id)?.info ?? table.one(id),
    stateOf: (id) => copyOf(find(id)?.bytes) ?? table.stateOf(id),
    quarantine(id: CheckpointId, at: EpochMs, why: string): void {
      const state = find(id);
      if (state) held.drop(state.info.component);
      else table.quarantine(id, at, why);
    },
  };
}

/** Whoever asks may give it away. */
const copyOf = (bytes: Uint8Array | undefined): Buffer | undefined => bytes && Buffer.from(bytes);
