import { datedId } from '../digest.ts';
import { sentenceOf } from '../errors.ts';
import type { ComponentName, EventOf, ExperimentRunId } from '../model/index.ts';
import { rpoOf } from './checks.ts';
import type { Experiment, Observation } from './experiment.ts';
import type { Undo } from './fault.ts';
import { Observer } from './observer.ts';
import { STOPPED } from './open-run.ts';
import type { ExperimentPorts } from './ports.ts';
import { putRight } from './put-right.ts';
import { isUp, unsteady, type Subject } from './subject.ts';
import { until } from './until.ts';
import { judge } from './verdict.ts';

export type Finished = EventOf<'experiment.finished'>;
type Result = Pick<Finished, 'outcome' | 'why'> & Partial<Pick<Finished, 'rtoMs' | 'rpoMs' | 'checks'>>;

/** A component asks for its state when it likes: so long after it was verified healthy it may still do so. */
const RESTORE_WAIT_MS = 10_000;

/**
 * One run: steady state, fault, recovery, verdict, and whatever still lies there put right. Never rejects and ends
 * with `experiment.finished`. Between the decisions it waits for events only.
 */
export class Run {
  readonly id: ExperimentRunId;
  readonly experiment: Experiment;
  readonly component: ComponentName;
  readonly #timeoutMs: number;
  readonly #ports: ExperimentPorts;
  readonly #signal: AbortSignal;
  readonly #startedAt: number;
  #observer: Observer | null = null;
  #undo: Undo | null = null;
  #upBefore: readonly Subject[] = [];

  /** @param signal aborted when the daemon stops. */
  constructor(
    { experiment, component, timeoutMs }: { experiment: Experiment; component: ComponentName; timeoutMs: number },
    ports: ExperimentPorts,
    signal: AbortSignal,
  ) {
    this.id = datedId('EXP', ports.clock.now()) as ExperimentRunId;
    this.experiment = experiment;
    this.component = component;
    this.#timeoutMs = timeoutMs;
    this.#ports = ports;
    this.#signal = signal;
    this.#startedAt = ports.clock.monotonic();
  }

  async carryOut(): Promise<Finished> {
    let result: Result;
    try {
      result = await this.#experiment();
    } catch (error) {
      result = { outcome: 'error', why: sentenceOf(error) };
    }
    const left = await this.#lift();
    if (this.#signal.aborted) result = stopped;
    else result = { ...result, why: [result.why, ...left].join('; ') };
    const finished: Finished = {
      type: 'experiment.finished',
      ...this.#about(),
      experiment: this.experiment.kind,
      durationMs: this.#ports.clock.monotonic() - this.#startedAt,
      rtoMs: null,
      rpoMs: null,
      checks: [],
      ...result,
      incidents: [...(this.#observer?.incidents ?? [])],
    };
    this.#ports.emit(finished);
    return finished;
  }

  /** Puts right what the fault has left; one that was never made has left nothing. @returns what could not be. */
  #lift(): Promise<string[]> {
    const { id: run, component: target, experiment } = this;
    if (!this.#undo) return Promise.resolve([]);
    const made = { run, kind: experiment.fault.kind, target, undo: this.#undo };
    return putRight(this.#missing(), made, this.#ports, this.#signal);
  }

  async #experiment(): Promise<Result> {
    const { clock, emit, subscribe, components, remembers } = this.#ports;
    const { fault, kind } = this.experiment;
    const hadState = await remembers(this.component);
    // From the look at the steady state to the fault nothing is awaited.
    const target = this.#target();
    const reason = target ? unsteady(target) : `there is no ${this.component} any more`;
    if (reason !== undefined || !target?.process) return { outcome: 'skipped', why: reason ?? '' };
    if (this.#signal.aborted) return stopped;
    this.#upBefore = components().filter(isUp);
    const { process } = target;
    emit({ type: 'experiment.started', ...this.#about(), experiment: kind });
    const observer = new Observer(this.component, target.incarnation, () => clock.monotonic());
    this.#observer = observer;
    const unsubscribe = subscribe((event) => observer.read(event));
    try {
      const faultAt = clock.monotonic();
      this.#undo = await fault.inject({
        process,
        isStill: this.#ports.sameProcess,
        start: () => this.#ports.start(this.component),
      });
      if (!this.#undo)
        return { outcome: 'invalid', why: `pid ${process.pid} had gone before the fault: nobody was hit` };
      emit({ type: 'fault.injected', ...this.#about(), fault: fault.kind, pid: process.pid });
      await this.#recovery(observer, hadState, faultAt + this.#timeoutMs);
      if (this.#signal.aborted) return stopped;
      if (observer.interference !== null) return { outcome: 'aborted', why: observer.interference };
      const observation = this.#observe(observer, hadState, faultAt);
      return {
        ...judge(this.experiment.checks, observation),
        rtoMs: observation.rtoMs,
        rpoMs: rpoOf(observation),
      };
    } finally {
      unsubscribe();
    }
  }

  /** Until it is healthy again, has its state, and all who were up are; or nothing of that will come. */
  async #recovery(observer: Observer, hadState: boolean, deadline: number): Promise<void> {
    const { clock, subscribe } = this.#ports;
    const left = () => deadline - clock.monotonic();
    const over = () => observer.interference !== null || observer.gaveUp !== null;
    const wait = (done: () => boolean, ms: number) =>
      until(() => over() || done(), ms, { clock, subscribe, signal: this.#signal });
    await wait(() => observer.readyAt !== null, left());
    if (observer.readyAt === null) return;
    if (hadState) await wait(() => observer.restored !== null, Math.min(left(), RESTORE_WAIT_MS));
    await wait(() => this.#missing().every(({ state }) => state === 'failed'), left());
  }

  #observe(observer: Observer, hadState: boolean, faultAt: number): Observation {
    const { readyAt, restored, gaveUp } = observer;
    return {
      component: this.component,
      timeoutMs: this.#timeoutMs,
      objectives: this.#ports.objectivesOf(this.component),
      hadState,
      rtoMs: readyAt === null ? null : readyAt - faultAt,
      gaveUp,
      restored,
      upBefore: this.#upBefore,
      after: this.#ports.components(),
    };
  }

  /** Who was up before the fault and is not now. */
  #missing(): readonly Subject[] {
    const before = new Set(this.#upBefore.map(({ component }) => component));
    return this.#ports.components().filter((subject) => before.has(subject.component) && !isUp(subject));
  }

  #target(): Subject | undefined {
    return this.#ports.components().find(({ component }) => component === this.component);
  }

  #about() {
    return { component: this.component, at: this.#ports.clock.now(), run: this.id };
  }
}

const stopped: Result = { outcome: 'aborted', why: STOPPED };
