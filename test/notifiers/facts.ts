import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.ts';
import {
  componentName,
  epochMs,
  type CrashId,
  type EventOf,
  type IncarnationId,
  type IncidentId,
  type RecoveryEvent,
} from '../../src/model/index.ts';
import { createNotifiers, type Notifiers, type NotifiersDeps } from '../../src/notifiers/index.ts';
import { notificationsSchema } from '../../src/notifiers/schema.ts';
import { openEventStore, type EventStore } from '../../src/storage/index.ts';
import { tempFolder } from '../support/temp.ts';

export const crash = (
  n: number,
  at: number,
  changes: Partial<EventOf<'component.crashed'>> = {},
): EventOf<'component.crashed'> => ({
  type: 'component.crashed',
  at: epochMs(at),
  component: componentName('worker'),
  incarnation: 'a'.repeat(32) as IncarnationId,
  crash: `CRASH-20261123-224610-${String(n).padStart(8, '0')}` as CrashId,
  crashType: 'unhandled_exception',
  severity: 'high',
  errorType: 'Error',
  exit: { code: 1, signal: null },
  uptimeMs: 1_500,
  signature: `s${n}`,
  ...changes,
});

export const incident = 'ab'.repeat(16) as IncidentId;

/** Minutes are tenths of seconds; the wall is the real one. */
export const hurried: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 200, run) };

/** An event store in a file that outlives its daemons. */
export function openShelf(file = join(tempFolder(), 'events.db')): {
  file: string;
  store: EventStore;
  state: (...events: RecoveryEvent[]) => void;
} {
  const { store } = openEventStore(file, {
    clock: systemClock,
    onError: (error) => {
      throw error as Error;
    },
    onWritable: () => undefined,
  });
  onTestFinished(() => store.close());
  return { file, store, state: (...events) => void store.append(events, []) };
}

/** Notifiers over a store, as the supervisor opens them. */
export function openNotifiers(
  store: EventStore,
  policy: unknown,
  overrides: Partial<NotifiersDeps> = {},
): { notifiers: Notifiers; emitted: RecoveryEvent[]; troubles: string[] } {
  const emitted: RecoveryEvent[] = [];
  const troubles: string[] = [];
  const notifiers = createNotifiers({
    clock: hurried,
    emit: (...events) => void emitted.push(...events),
    shelf: store,
    policy: notificationsSchema.parse(policy),
    from: store.lastSeq(),
    report: () => Promise.resolve(undefined),
    mask: (text) => text,
    knowledge: { tellsRestarts: () => true, severityBefore: () => null },
    onTrouble: (target, why) => troubles.push(`${target}: ${why}`),
    ...overrides,
  });
  onTestFinished(() => notifiers.close());
  return { notifiers, emitted, troubles };
}
