import type { ComponentEvent, EventOf, IncidentId, RecoveryEvent, TraceContext } from '../../model/index.ts';
import { checkPlace, derivedPlace, incidentPlace, recoveryPlace, remediationPlace } from '../trace-ids.ts';
import { attemptsIn, stopIn, type Attempt } from './attempts.ts';
import type { DrawingContext } from './context.ts';
import { injectPlace } from './experiment.ts';
import { draw, inSeconds, type Span } from './span.ts';
import { restartSpans, stopSpan } from './restart.ts';

type Finished = EventOf<'recovery.finished'>;

/** A fault or an alert that is at most so much older than its detection has led to the recovery. */
const CAUSE_MS = 60_000;

/** An incident that was opened so shortly before a recovery is the reason for it; a fault may be told as late. */
const AT_ONCE_MS = 1_000;

/** All that is known of one recovery, whichever daemons have told it. */
interface Story {
  readonly finished: Finished;
  readonly incident: IncidentId | undefined;
  readonly place: TraceContext;
  readonly faultAt: number;
  readonly detectedAt: number;
  /** Of its component, since the recovery before it. */
  readonly events: readonly ComponentEvent[];
  readonly attempts: readonly Attempt[];
  readonly opened: EventOf<'incident.opened'> | undefined;
  readonly errorType: string | null;
}

/** `paramedic.recovery` and all beneath it, from what is stored. */
export function recoverySpans(finished: Finished, context: DrawingContext): Span[] {
  const begun = context.lastOf('recovery.started', finished.component);
  // A person may have resolved the incident meanwhile: the recovery stays in the trace that it began in.
  const incident = begun?.recovery === finished.recovery ? begun.incident : finished.incident;
  const story = storyOf(finished, incident, incident === undefined ? [] : context.timeline(incident));
  const { place } = story;
  return [
    recoverySpan(story, context),
    phase(place, 'paramedic.detect', story.faultAt, story.detectedAt),
    ...decideSpans(story),
    ...actSpans(story, context),
    ...verifySpans(story),
  ];
}

/** Where the checks of a recovery's starts hang. */
export const verifyPlace = (recovery: TraceContext): TraceContext =>
  derivedPlace(recovery.traceId, recovery.spanId, 'paramedic.verify', 0);

function storyOf(finished: Finished, incident: IncidentId | undefined, timeline: readonly RecoveryEvent[]): Story {
  const { component, recovery, durationMs, phases } = finished;
  const own = timeline.filter((event) => 'component' in event && event.component === component) as ComponentEvent[];
  const end = own.findIndex((event) => event.type === 'recovery.finished' && event.recovery === recovery);
  const told = end < 0 ? own : own.slice(0, end);
  const before = told.findLastIndex((event) => event.type === 'recovery.finished');
  const events = told.slice(before + 1);

  const begun = events.findIndex((event) => event.type === 'recovery.started' && event.recovery === recovery);
  const started = events[begun];
  const detectedAt = started?.type === 'recovery.started' ? started.detectedAt : finished.at - durationMs;
  const opened = before < 0 ? events.find((event) => event.type === 'incident.opened') : undefined;
  // One that had been open before was about something else.
  const its = opened && detectedAt - opened.at <= AT_ONCE_MS ? opened : undefined;
  const faultAt = Math.min(detectedAt - phases.detectMs, its?.startedAt ?? detectedAt);
  return {
    finished,
    incident,
    place: recoveryPlace(recovery, incident),
    faultAt,
    detectedAt,
    events,
    attempts: attemptsIn(events, Math.max(0, begun)),
    opened,
    errorType: errorOf(finished, events),
  };
}

/** What a person has called off has not failed. */
function errorOf({ outcome }: Finished, events: readonly ComponentEvent[]): string | null {
  if (outcome === 'recovered' || outcome === 'aborted') return null;
  return events.findLast((event) => event.type === 'component.crashed')?.errorType ?? outcome;
}

function recoverySpan(story: Story, context: DrawingContext): Span {
  const { finished, incident, place, faultAt, events, errorType } = story;
  const { component, outcome, durationMs } = finished;
  const facts = context.facts(component);
  const losses = events.flatMap((event) => (event.type === 'checkpoint.restored' ? [event.dataLossMs] : []));
  return draw(place, {
    name: 'paramedic.recovery',
    parentId: incident === undefined ? null : incidentPlace(incident).spanId,
    from: faultAt,
    to: finished.at,
    errorType,
    attributes: {
      'paramedic.recovery.id': finished.recovery,
      'paramedic.incident.id': incident,
      'paramedic.component.name': component,
      'paramedic.component.kind': facts?.kind,
      'paramedic.component.criticality': facts?.priority,
      'paramedic.trigger': finished.reason,
      'paramedic.outcome': outcome,
      'paramedic.rto.objective_s': inSeconds(facts?.objectives.rtoMs),
      'paramedic.rto.achieved_s': outcome === 'recovered' ? inSeconds(durationMs) : null,
      'paramedic.rpo.achieved_s': losses.length === 0 ? null : inSeconds(Math.max(...losses)),
    },
    links: linksOf(story, context),
  });
}

/** The check that failed, the alert that asked, the fault that was made, and the incident of the time before. */
function linksOf({ finished, opened, events, faultAt, detectedAt }: Story, { since }: DrawingContext): TraceContext[] {
  const { component, reason } = finished;
  const isIts = (event: RecoveryEvent) => 'component' in event && event.component === component;
  const from = (faultAt - CAUSE_MS) as Finished['at'];
  const tripped = events.findLast((event) => event.type === 'check.tripped' && event.at <= detectedAt);
  const decided = events.filter((event) => event.type === 'remediation.decided');
  const alerts =
    decided.length > 0 || reason !== 'alert' ? decided : since(['remediation.decided'], from).filter(isIts);
  const faults = since(['fault.injected'], from).filter((event) => isIts(event) && event.at <= detectedAt + AT_ONCE_MS);
  return [
    ...(tripped?.type === 'check.tripped' ? [checkPlace(tripped)] : []),
    ...alerts.flatMap((event) =>
      event.type === 'remediation.decided' && event.decision === 'execute' && event.at <= finished.at
        ? [remediationPlace(event.remediation, event.trace)]
        : [],
    ),
    ...faults.flatMap((event) => (event.type === 'fault.injected' ? [injectPlace(event)] : [])),
    ...(opened?.previous ? [incidentPlace(opened.previous)] : []),
  ];
}

/** One for each decision: from what made it necessary until it was taken. */
/** Decisions after which a restart comes, sooner or later. */
const actsOn: ReadonlySet<string> = new Set(['restart', 'wait', 'blame']);

function decideSpans({ place, events, detectedAt }: Story): Span[] {
  const decisions = events.filter((event) => event.type === 'restart.decided');
  return decisions.map((event, n) => {
    const since = decisions[n - 1];
    const cause = events.findLast(
      (other) => isCause(other) && other.at <= event.at && (since === undefined || other.at >= since.at),
    );
    const { decision } = event;
    return draw(derivedPlace(place.traceId, place.spanId, 'paramedic.decide', n), {
      name: 'paramedic.decide',
      parentId: place.spanId,
      from: n === 0 ? Math.min(detectedAt, event.at) : (cause?.at ?? event.at),
      to: event.at,
      attributes: {
        'paramedic.policy.rule': decision.rule,
        'paramedic.action.name': actsOn.has(decision.kind) ? 'restart' : null,
        'paramedic.decision': decision.kind,
        'paramedic.requester': event.by,
      },
    });
  });
}

const isCause = ({ type }: ComponentEvent): boolean =>
  type === 'component.crashed' ||
  type === 'component.start_failed' ||
  type === 'component.start_timed_out' ||
  type === 'check.tripped';

/** From the first decision until the last process was there; each restart lasts until it is ready. */
function actSpans({ place, events, attempts, detectedAt, errorType }: Story, { facts }: DrawingContext): Span[] {
  const last = attempts.at(-1);
  const rest = last ? events.slice(events.indexOf(last.starting)) : events;
  const stop = stopIn(rest);
  if (!last && !stop) return [];
  const decided = events.find((event) => event.type === 'restart.decided');
  const act = derivedPlace(place.traceId, place.spanId, 'paramedic.act', 0);
  const spawned = last && (last.spawned ?? last.failure ?? last.starting).at;
  return [
    draw(act, {
      name: 'paramedic.act',
      parentId: place.spanId,
      from: decided?.at ?? detectedAt,
      to: Math.max(spawned ?? 0, stop ? (stop.end ?? stop.stopping).at : 0),
      errorType: last?.failure ? errorType : null,
    }),
    ...attempts.flatMap((attempt) => restartSpans(attempt, act, facts(attempt.starting.component)?.budget)),
    ...(stop ? [stopSpan(stop, act)] : []),
  ];
}

/** From the first process until the end of the recovery. */
function verifySpans({ place, attempts, finished, errorType }: Story): Span[] {
  const spawned = attempts.flatMap(({ spawned: made }) => made ?? []);
  const [first] = spawned;
  if (!first && finished.outcome !== 'recovered') return [];
  const from = first?.at ?? finished.at - finished.phases.verifyMs;
  return [
    draw(verifyPlace(place), {
      name: 'paramedic.verify',
      parentId: place.spanId,
      from,
      to: finished.at,
      errorType,
      attributes: { 'paramedic.verify.attempts': spawned.length },
    }),
  ];
}

const phase = (place: TraceContext, name: string, from: number, to: number): Span =>
  draw(derivedPlace(place.traceId, place.spanId, name, 0), { name, parentId: place.spanId, from, to });
