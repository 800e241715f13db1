import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import type { StatePolicy } from '../../src/checkpoints/schema.ts';
import { createStateStore, type StateStoreOptions } from '../../src/checkpoints/create-state-store.ts';
import {
  componentName,
  type CheckpointId,
  type ComponentName,
  type EpochMs,
  type RecoveryEvent,
} from '../../src/model/index.ts';
import type { StateStore } from '../../src/checkpoints/state-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { given, shown } from '../support/given.ts';
import { tempFolder } from '../support/temp.ts';

export const planner = componentName('planner');
export const writer = componentName('writer');
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** Of the store: it dies when it is given the state "die". */
export const dyingWorker = new URL('./dying-worker.ts', import.meta.url);

/** Text that no compression makes smaller than three quarters. */
export const noise = (length: number): string => randomBytes(length).toString('base64').slice(0, length);

/** A store in a folder of its own, with all that it states; closed when the test ends. */
export function open(options: Partial<StateStoreOptions> = {}) {
  const file = options.file ?? join(tempFolder(), 'state.db');
  const clock = new FakeClock();
  const events: RecoveryEvent[] = [];
  const emit = (...stated: readonly RecoveryEvent[]) => void events.push(...stated);
  const threaded = createStateStore({ eventsFile: null, clock, emit, ...options, file });
  onTestFinished(() => threaded.close());
  /** The same, with states and journals as a component reads them. */
  const store = {
    ...threaded,
    getState: async (...asked: Parameters<StateStore['getState']>) => given(await threaded.getState(...asked)),
    /** What it is given when it is brought back to this one; then all is as before. */
    async getStateAt(
      component: ComponentName,
      checkpoint_id: CheckpointId,
      { endedAt, journal }: { endedAt: EpochMs | null; journal: boolean },
    ) {
      await threaded.resume.from([{ component, checkpoint_id, journal }], false);
      const restored = given(await threaded.getState(component, endedAt));
      await threaded.resume.drop(component);
      return restored;
    },
    read: async (checkpoint: CheckpointId) => shown(await threaded.read(checkpoint)),
  };
  const put = (component: ComponentName, body: object) => store.putState(component, json(body), 'interval');
  const patch = (component: ComponentName, base: string, ...operations: readonly object[]) =>
    store.patchState(component, json({ base, operations }), 'interval');
  const journal = (component: ComponentName, ...operations: string[]) =>
    store
      .appendJournal(component, json(operations.map((operation) => ({ operation }))))
      .then((answer) => ('entry_ids' in answer ? answer.entry_ids : []));
  const typesOf = () => events.map((event) => event.type);
  return { file, clock, events, store, threaded, put, patch, journal, typesOf };
}

/** Does something to the file behind the store's back. */
export function tamper(file: string, sql: string, ...parameters: unknown[]): void {
  const db = new Sqlite(file, { timeout: 5_000 });
  db.prepare(sql).run(...parameters);
  db.close();
}

export const policy = (maxAgeMs: number, keep: number, { hourly = 0, daily = 0 } = {}): StatePolicy => ({
  preserve: true,
  checkpoint_interval: 60_000,
  recovery_point_objective: 5_000,
  schema_version: 1,
  poisoned_after: 2,
  retention: { max_age: maxAgeMs, keep, hourly, daily },
});
