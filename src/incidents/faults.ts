import {
  incidentSeverities,
  type EpochMs,
  type EventOf,
  type Exit,
  type IncidentCategory,
  type IncidentSeverity,
  type StartReason,
} from '../model/index.ts';

/** What is wrong, before it has become an incident. */
export interface Fault {
  readonly severity: IncidentSeverity;
  readonly category: IncidentCategory;
  readonly title: string;
  readonly description: string;
  /** What similar ones share. */
  readonly signature: string;
  /** When it began; undefined: with the event that tells of it. */
  readonly startedAt?: EpochMs | undefined;
}

const rank = (severity: IncidentSeverity): number => incidentSeverities.indexOf(severity);
export const worse = (a: IncidentSeverity, b: IncidentSeverity): IncidentSeverity => (rank(a) >= rank(b) ? a : b);

/** A recovery that no fault has begun: somebody asked for it, or a dependency pulled it along. */
export const severityOfRecovery: Readonly<Record<StartReason, IncidentSeverity>> = {
  boot: 'info',
  reload: 'info',
  manual: 'info',
  chaos: 'info',
  dependency: 'low',
  alert: 'medium',
  health: 'high',
  hang: 'high',
  crash: 'critical',
};

/** Ends that we have made ourselves because a check had failed: the same fault, seen a second time. */
const ofOurMaking: ReadonlySet<string> = new Set(['deadlock', 'infinite_loop', 'watchdog_timeout']);
export const isOurDoing = ({ crashType }: EventOf<'component.crashed'>): boolean => ofOurMaking.has(crashType);

export const ofCrash = ({ component, crashType, errorType, exit, signature }: EventOf<'component.crashed'>): Fault => ({
  severity: 'critical',
  category: 'crash',
  title: `${component} crashed: ${crashType}`,
  description: errorType === exitText(exit) ? errorType : `${errorType}, ${exitText(exit)}`,
  signature,
});

const exitText = ({ code, signal }: Exit): string => signal ?? (code === null ? 'exit unknown' : `exit code ${code}`);

const UNKILLABLE = 'unkillable';

export const ofUnkillable = ({ component, pid, processState, afterMs }: EventOf<'component.unkillable'>): Fault => ({
  severity: 'critical',
  category: 'error',
  title: `${component} cannot be killed`,
  description: `process ${pid ?? 'unknown'} is still there ${afterMs / 1_000} s after it was killed, state ${processState ?? 'unknown'}`,
  signature: UNKILLABLE,
});

export const isOfUnkillable = ({ signature }: Pick<Fault, 'signature'>): boolean => signature === UNKILLABLE;

export const ofFailedStart = ({ component, why }: EventOf<'component.start_failed'>): Fault => ({
  severity: 'high',
  category: 'error',
  title: `${component} could not be started`,
  description: why,
  signature: 'start_failed',
});

export const ofLateStart = ({ component, waitingFor }: EventOf<'component.start_timed_out'>): Fault => ({
  severity: 'high',
  category: 'health',
  title: `${component} was not ready in time`,
  description: `still waiting for ${waitingFor.join(', ')}`,
  signature: 'start_timed_out',
});

export const ofCheck = (
  { component, check, outcome, message }: EventOf<'check.tripped'>,
  failingSince: EpochMs | undefined,
): Fault => ({
  severity: outcome === 'critical' ? 'critical' : 'high',
  category: 'health',
  title: `check ${check} of ${component} failed`,
  description: message,
  signature: `check:${check}`,
  startedAt: failingSince,
});

export const ofFailure = ({ component, rule, why }: EventOf<'component.failed'>): Fault => ({
  severity: 'critical',
  category: 'recovery',
  title: `${component} has failed and stays down`,
  description: why,
  signature: `failed:${rule}`,
});

export const ofOpenBreaker = ({ breaker, reason, firstFailureAt }: EventOf<'breaker.transitioned'>): Fault => ({
  severity: 'medium',
  category: 'recovery',
  title: `circuit breaker ${breaker} opened`,
  description: reason,
  signature: `breaker:${breaker}`,
  startedAt: firstFailureAt ?? undefined,
});

/** Somebody's alert knows of a fault that we do not see. */
export const ofAlert = ({ component, action, alert, at }: EventOf<'remediation.decided'>): Fault => ({
  severity: 'medium',
  category: 'recovery',
  title: `alert ${alert.name} asked for ${action} of ${component}`,
  description: '',
  signature: `alert:${alert.name}`,
  startedAt: alert.startsAt < at ? alert.startsAt : at,
});

export const ofRecovery = ({ component, reason, detectedAt }: EventOf<'recovery.started'>): Fault => ({
  severity: severityOfRecovery[reason],
  category: 'recovery',
  title: `${component} is being restarted (${reason})`,
  description: '',
  signature: `recovery:${reason}`,
  startedAt: detectedAt,
});
