import type { ComponentEvent, EventOf, Exit, IncarnationId } from '../../model/index.ts';

/** One start within a recovery, with what led to it and what came of it. */
export interface Attempt {
  readonly starting: EventOf<'component.starting'>;
  readonly decided: EventOf<'restart.decided'> | undefined;
  /** The stop of the process before it; undefined: that one had ended by itself. */
  readonly stop: Stop | undefined;
  /** How the process before it ended. */
  readonly exit: Exit | undefined;
  /** The system had made the process, or a daemon that came back found it. */
  readonly spawned: EventOf<'component.started'> | EventOf<'component.adopted'> | undefined;
  readonly ready: EventOf<'component.ready'> | undefined;
  readonly failure: Failure | undefined;
  readonly restored: readonly EventOf<'checkpoint.restored'>[];
}

export interface Stop {
  readonly stopping: EventOf<'component.stopping'>;
  readonly end: EventOf<'component.stopped'> | EventOf<'component.crashed'> | undefined;
}

type Failure = EventOf<'component.start_failed'> | EventOf<'component.start_timed_out'> | EventOf<'component.crashed'>;

/**
 * The starts among the events of one component, in order.
 * @param from index of the first event that a start may have; what led to it may be older.
 */
export function attemptsIn(events: readonly ComponentEvent[], from: number): Attempt[] {
  const starts = events.flatMap((event, index) =>
    event.type === 'component.starting' && index >= from ? [{ starting: event, index }] : [],
  );
  return starts.map(({ starting, index }, n) => {
    const before = events.slice(starts[n - 1]?.index ?? 0, index);
    const after = events.slice(index + 1, starts[n + 1]?.index ?? events.length);
    const { incarnation } = starting;
    const ready = after.find((event) => isOf(event, 'component.ready', incarnation));
    const failure = ready ? undefined : after.find((event): event is Failure => isFailureOf(event, incarnation));
    const ended = before.findLast((event) => event.type === 'component.stopped' || event.type === 'component.crashed');
    return {
      starting,
      decided: before.findLast((event) => event.type === 'restart.decided'),
      stop: stopIn(before),
      exit: ended?.exit,
      spawned:
        after.find((event) => isOf(event, 'component.started', incarnation)) ??
        after.find((event) => isOf(event, 'component.adopted', incarnation)),
      ready,
      failure,
      restored: after.filter((event) => event.type === 'checkpoint.restored'),
    };
  });
}

/** The last stop among some events, with its end. */
export function stopIn(events: readonly ComponentEvent[]): Stop | undefined {
  const stopping = events.findLast((event) => event.type === 'component.stopping');
  if (!stopping) return undefined;
  const end = events
    .slice(events.indexOf(stopping))
    .find(
      (event): event is NonNullable<Stop['end']> =>
        isOf(event, 'component.stopped', stopping.incarnation) ||
        isOf(event, 'component.crashed', stopping.incarnation),
    );
  return { stopping, end };
}

/** When a start was over, well or not; the last that is known of it otherwise. */
export const endOf = ({ ready, failure, spawned, starting }: Attempt): number =>
  (ready ?? failure ?? spawned ?? starting).at;

/** Why a start came to nothing, as `error.type` says it; null when it did not. */
export function failureOf({ failure }: Pick<Attempt, 'failure'>): string | null {
  switch (failure?.type) {
    case undefined:
      return null;
    case 'component.start_failed':
      return 'start_failed';
    case 'component.start_timed_out':
      return 'timeout';
    case 'component.crashed':
      return failure.errorType;
    default:
      return failure satisfies never;
  }
}

type LifeEvent = Extract<ComponentEvent, { incarnation: IncarnationId }>;

const isOf = <T extends LifeEvent['type']>(
  event: ComponentEvent,
  type: T,
  incarnation: IncarnationId,
): event is EventOf<T> & ComponentEvent =>
  event.type === type && 'incarnation' in event && event.incarnation === incarnation;

const isFailureOf = (event: ComponentEvent, incarnation: IncarnationId): boolean =>
  isOf(event, 'component.start_failed', incarnation) ||
  isOf(event, 'component.start_timed_out', incarnation) ||
  isOf(event, 'component.crashed', incarnation);
