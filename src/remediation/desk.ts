import { iso, oneLine } from '../format.ts';
import { HOST, type Emit, type EventOf, type EventType } from '../model/index.ts';
import type { Clock } from '../clock.ts';
import type { Answer, Delivery, Remediation } from './remediation.ts';

/** One row of the audit trail. */
export interface RemediationView {
  readonly remediation_id: string;
  readonly at: string;
  readonly action: string;
  readonly component: string;
  readonly decision: string;
  /** Why it was not carried out; empty when it was. */
  readonly why: string;
  /** null: it runs, or was never carried out. */
  readonly outcome: string | null;
  readonly message: string;
  readonly duration_seconds: number | null;
  readonly rule: number | null;
  readonly alert: {
    readonly name: string;
    readonly fingerprint: string;
    readonly status: string;
    readonly starts_at: string;
  };
  /** The trace of the webhook that brought the alert, and the incident that was open then, which is a trace too. */
  readonly trace_id: string;
  readonly incident_id: string | null;
}

export interface DeskDeps {
  readonly remediation: Remediation;
  readonly clock: Pick<Clock, 'now'>;
  readonly emit: Emit;
  /** The newest events of a type, oldest first. */
  readonly newestOf: <T extends EventType>(type: T, limit: number) => EventOf<T>[];
}

/** What the daemon offers to webhooks and to who asks about them. */
export interface RemediationDesk {
  /** @throws STORE_FAILED: nothing was decided. */
  receive(delivery: Delivery): Answer[];
  /** States that a webhook was answered. */
  answered(facts: Omit<EventOf<'webhook.answered'>, 'type' | 'at'>): void;
  /** The newest decisions first. */
  list(limit: number): RemediationView[];
}

export function createRemediationDesk({ remediation, clock, emit, newestOf }: DeskDeps): RemediationDesk {
  return {
    receive: remediation.receive,
    answered: (facts) => emit({ type: 'webhook.answered', at: clock.now(), ...facts }),
    list(limit) {
      const decisions = newestOf('remediation.decided', limit).toReversed();
      const finished = new Map(newestOf('remediation.finished', limit).map((event) => [event.remediation, event]));
      return decisions.map((decided) => viewOf(decided, finished.get(decided.remediation)));
    },
  };
}

function viewOf(decided: EventOf<'remediation.decided'>, finished?: EventOf<'remediation.finished'>): RemediationView {
  const { alert, parameters } = decided;
  // Whom an alert of a stranger's means is nobody of ours: only its own words tell.
  const meant = parameters['component'];
  const component = decided.component === HOST ? (typeof meant === 'string' ? meant : '-') : decided.component;
  return {
    remediation_id: decided.remediation,
    at: iso(decided.at),
    action: decided.action,
    component: oneLine(component, 64),
    decision: decided.decision,
    why: decided.why,
    outcome: finished?.outcome ?? null,
    message: finished?.message ?? '',
    duration_seconds: finished ? finished.durationMs / 1_000 : null,
    rule: decided.rule,
    alert: { name: alert.name, fingerprint: alert.fingerprint, status: alert.status, starts_at: iso(alert.startsAt) },
    trace_id: decided.trace.traceId,
    incident_id: decided.incident ?? null,
  };
}
