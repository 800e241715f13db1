import { sha256 } from '../digest.ts';
import type {
  CheckpointId,
  EpochMs,
  ExperimentRunId,
  IncarnationId,
  IncidentId,
  RecoveryEvent,
  RecoveryId,
  RemediationId,
  TraceContext,
} from '../model/index.ts';

/*
 * Where everything stands in its trace. No id is drawn by lot: whoever knows an incident, a recovery or a start knows
 * its span, and what is exported twice is the same span twice.
 */

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

const first = (id: string): string => id.slice(0, SPAN_DIGITS);

/** The root of an incident's trace: its id is the trace's. */
export const incidentPlace = (incident: IncidentId): TraceContext => ({ traceId: incident, spanId: first(incident) });

/** A recovery in the trace of its incident; one that has none (an older daemon began it) is a trace of its own. */
export const recoveryPlace = (recovery: RecoveryId, incident: IncidentId | undefined): TraceContext => ({
  traceId: incident ?? recovery,
  spanId: first(recovery),
});

/** A start: what the child is told in TRACEPARENT. Outside an incident it is the root of a trace of its own. */
export const startPlace = (incarnation: IncarnationId, incident: IncidentId | undefined): TraceContext => ({
  traceId: incident ?? incarnation,
  spanId: first(incarnation),
});

/** The W3C header of a start. */
export function traceparent(incarnation: IncarnationId, incident: IncidentId | undefined): string {
  const { traceId, spanId } = startPlace(incarnation, incident);
  return `00-${traceId}-${spanId}-01`;
}

/** Any other span: the `n`th of its name under its owner. */
export const derivedPlace = (traceId: string, owner: string, name: string, n: number): TraceContext => ({
  traceId,
  spanId: first(sha256(`${traceId}/${owner}/${name}/${n}`)),
});

/** The root of a trace of its own. */
export function ownPlace(what: string): TraceContext {
  const traceId = sha256(what).slice(0, TRACE_DIGITS);
  return { traceId, spanId: first(traceId) };
}

/** One run of a check that belongs to no recovery. */
export const checkPlace = ({ component, check, at }: { component: string; check: string; at: EpochMs }): TraceContext =>
  ownPlace(`${component}/${check}/${at}`);

export const checkpointPlace = (checkpoint: CheckpointId): TraceContext => ownPlace(checkpoint);

export const experimentPlace = (run: ExperimentRunId): TraceContext => ownPlace(run);

/** Beneath the webhook that asked for it. */
export const remediationPlace = (remediation: RemediationId, webhook: TraceContext): TraceContext =>
  derivedPlace(webhook.traceId, webhook.spanId, `paramedic.remediation/${remediation}`, 0);

/** The span that an event of an incident is told in; undefined for one that belongs to none. */
export function placeOf(event: RecoveryEvent): TraceContext | undefined {
  const { incident } = event;
  if (incident === undefined) return undefined;
  if (event.type === 'recovery.started' || event.type === 'recovery.finished')
    return recoveryPlace(event.recovery, incident);
  return event.type === 'component.starting' ? startPlace(event.incarnation, incident) : incidentPlace(incident);
}
