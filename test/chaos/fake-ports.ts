import { createExperiments, type Subject } from '../../src/chaos/index.ts';
import type { Experiment } from '../../src/chaos/experiment.ts';
import { agentCrashRecovery } from '../../src/chaos/experiments/agent-crash-recovery.ts';
import type { Fault } from '../../src/chaos/fault.ts';
import {
  componentName,
  type EventFields,
  type EventOf,
  type EventType,
  type IncarnationId,
  type Listener,
  type RecoveryEvent,
} from '../../src/model/index.ts';
import { registry } from '../../src/registry.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { down, subject } from './subjects.ts';

export const SECOND = 'second' as IncarnationId;
const AGENT = componentName('agent_core');

/** A house that does what the test says, and a fault that only brings the agent down in it. */
export class FakePorts {
  readonly clock = new FakeClock();
  readonly events: RecoveryEvent[] = [];
  readonly listeners = new Set<Listener>();
  readonly subjects = new Map<string, Subject>();
  readonly starts: string[] = [];
  past: RecoveryEvent[] = [];
  hadState = true;
  pidIsOurs = true;
  refusal: Error | null = null;
  startFails: Error | null = null;
  whenStarted = (): void => {};
  /** What the fault does instead. */
  faultFails: Error | null = null;

  constructor(...subjects: Subject[]) {
    for (const one of subjects.length > 0 ? subjects : [subject('agent_core'), subject('gmail')])
      this.subjects.set(one.component, one);
  }

  readonly #fault: Fault = {
    kind: 'kill',
    summary: 'Brings it down.',
    inject: ({ process, isStill, start }) => {
      if (this.faultFails) return Promise.reject(this.faultFails);
      if (!isStill(process)) return Promise.resolve(null);
      this.set(down('agent_core'));
      return Promise.resolve(async () => `undone: ${await start()}`);
    },
  };

  create() {
    const experiment: Experiment = { ...agentCrashRecovery, fault: this.#fault };
    return createExperiments(
      {
        clock: this.clock,
        emit: (...events) => this.tell(...events),
        subscribe: (listener) => {
          this.listeners.add(listener);
          return () => this.listeners.delete(listener);
        },
        components: () => [...this.subjects.values()],
        remembers: () => Promise.resolve(this.hadState),
        start: async (component) => {
          this.whenStarted();
          if (this.startFails) throw this.startFails;
          this.starts.push(component);
          this.set(subject(component));
          return `${component} is ready`;
        },
        sameProcess: () => this.pidIsOurs,
        objectivesOf: () => ({ rtoMs: 30_000, rpoMs: 5_000 }),
        allow: () => {
          if (this.refusal) throw this.refusal;
        },
        past: this.past,
      },
      registry(experiment),
    );
  }

  set(...subjects: Subject[]): void {
    for (const one of subjects) this.subjects.set(one.component, one);
  }

  tell(...events: RecoveryEvent[]): void {
    for (const event of events) {
      this.events.push(event);
      for (const listener of this.listeners) listener(event, this.events.length);
    }
  }

  /** Something happens to the agent (or to whom `fields` name). */
  happens<T extends EventType>(type: T, fields: EventFields[T] & { component?: string; incident?: string }): void {
    this.tell({ type, component: AGENT, at: this.clock.now(), ...fields } as unknown as RecoveryEvent);
  }

  /** A new life begins. */
  begins(): void {
    this.happens('component.starting', { incarnation: SECOND, reason: 'crash', attempt: 1 });
  }

  /** It is verified healthy. */
  comesBack(): void {
    this.set(subject('agent_core', { incarnation: SECOND, process: { pid: 12, startTime: 12, bootId: 'fake' } }));
    this.happens('component.ready', { incarnation: SECOND, startupMs: 1, checks: [] });
  }

  /** It asks for its state. */
  asks(fields: Partial<EventFields['checkpoint.restored']> = {}): void {
    const restored = {
      checkpoint: null,
      source: 'latest',
      outcome: 'success',
      entriesReplayed: 0,
      dataLossMs: 0,
      checkpointsLost: 0,
    } as const;
    this.happens('checkpoint.restored', { ...restored, ...fields });
  }

  of<T extends EventType>(type: T): EventOf<T>[] {
    return this.events.filter(
      (event): event is Extract<RecoveryEvent, { type: T }> => event.type === type,
    ) as unknown as EventOf<T>[];
  }
}
