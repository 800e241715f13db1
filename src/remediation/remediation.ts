import type { Clock } from '../clock.ts';
import { datedId } from '../digest.ts';
import {
  actionNames,
  HOST,
  type ActionName,
  type ComponentName,
  type Disposition,
  type Emit,
  type EventOf,
  type Receiver,
  type RecoveryEvent,
  type RemediationId,
  type TraceContext,
} from '../model/index.ts';
import { identityOf, type Alert } from './alert.ts';
import { createRemediationBook, type Decided } from './book.ts';
import { decideRemediation, type Situation, type Target } from './decide.ts';
import { execute } from './execute.ts';
import { askedBy, firstMatch, type Asked } from './match.ts';
import type { RemediationPolicy } from './schema.ts';

export interface RemediationDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  /** Has the disk keep what was emitted. @throws STORE_FAILED */
  readonly sync: () => void;
  readonly policy: () => RemediationPolicy;
  /** undefined: there is no such component. */
  readonly target: (component: string, force: boolean) => Target | undefined;
  /** Asks the action registry as a webhook; resolves when the action is verified. */
  readonly act: (action: string, parameters: unknown) => Promise<string>;
  /** Whether alerts can be judged now. @throws NOT_READY, SHUTTING_DOWN */
  readonly requireReady: () => void;
  /** `remediation.*` of the daemons before this one, oldest first. */
  readonly past: readonly RecoveryEvent[];
}

/** One delivery: who brought the alerts, and its place in a trace. */
export interface Delivery {
  readonly receiver: Receiver;
  readonly trace: TraceContext;
  /** `null`: an alert that could not be read. */
  readonly alerts: readonly (Alert | null)[];
}

/** What became of one alert of a delivery. */
export interface Answer {
  readonly disposition: Disposition;
  readonly decision: Decided['decision'] | null;
  readonly why: string;
  readonly remediation: RemediationId | null;
}

export interface Remediation {
  /**
   * Decides what becomes of each alert and has the disk keep it before it returns; what is to be done begins then.
   * @throws STORE_FAILED, NOT_READY, SHUTTING_DOWN: nothing was decided, the same delivery may come again.
   */
  receive(delivery: Delivery): Answer[];
  /** Goes on with what the daemon before this one had begun. */
  resume(): void;
  running(): readonly Decided[];
}

export function createRemediation(deps: RemediationDeps): Remediation {
  const { clock, emit, policy } = deps;
  const book = createRemediationBook();
  for (const event of deps.past) book.read(event);

  const state = (event: Decided | EventOf<'remediation.finished'>): void => {
    book.read(event);
    emit(event);
  };

  /** What an alert asks for by the rule that matches, or only by its label. */
  function asked(alert: Alert): { readonly asked: Asked; readonly rule: number | null } | undefined {
    const { rules } = policy();
    const rule = firstMatch(rules, alert);
    const matched = rule === null ? undefined : rules[rule];
    if (matched) return { asked: askedBy(matched, alert), rule };
    const action = actionNames.find((name) => name === alert.labels['recovery_action']);
    const component = alert.labels['component'] ?? null;
    return action && { asked: { action, component, parameters: { component }, force: false }, rule: null };
  }

  function situation(alert: Alert, { action, component, force }: Asked, rule: number | null): Situation {
    const { enabled, rules } = policy();
    const limits = rule === null ? null : (rules[rule] ?? null);
    const name = component as ComponentName | null;
    const within = Math.max(limits?.cooldown ?? 0, 3_600_000);
    return {
      enabled,
      rule: limits,
      action,
      target: (name === null ? undefined : deps.target(name, force)) ?? null,
      seen: book.seen(alert),
      over: book.isOver(alert),
      inFlight: name !== null && book.inFlight(name) !== undefined,
      executions: rule === null || name === null ? [] : book.executions(rule, name, clock.now(), within),
    };
  }

  function decide(alert: Alert, { receiver, trace }: Delivery): Decided | undefined {
    const found = asked(alert);
    if (!found) return undefined;
    const { asked: wish, rule } = found;
    const at = clock.now();
    const now = situation(alert, wish, rule);
    return {
      type: 'remediation.decided',
      at,
      // What nobody knows is the host's: a label of an alert must not make up components.
      component: now.target ? (wish.component as ComponentName) : HOST,
      remediation: datedId('REM', at) as RemediationId,
      action: wish.action,
      parameters: wish.parameters,
      ...decideRemediation(alert, now, at),
      alert: identityOf(alert),
      receiver,
      rule,
      trace,
    };
  }

  async function run(decided: Decided, action: ActionName = decided.action): Promise<void> {
    const finished = await execute(decided, deps, action);
    if (finished) state(finished);
  }

  /** Nothing may be done that would be forgotten: whoever delivers it will bring it again. */
  function takeBack(decisions: readonly Decided[]): void {
    const at = clock.now();
    for (const decided of decisions) {
      book.forget(decided);
      const { component, remediation, action, decision } = decided;
      const message = 'the decision could not be stored';
      if (decision === 'execute')
        emit({
          type: 'remediation.finished',
          at,
          component,
          remediation,
          action,
          outcome: 'cancelled',
          message,
          durationMs: 0,
        });
    }
  }

  return {
    receive(delivery) {
      deps.requireReady();
      const { receiver } = delivery;
      const decisions: Decided[] = [];
      const answers: Answer[] = [];
      const told: EventOf<'alert.received'>[] = [];
      for (const alert of delivery.alerts) {
        const decided = alert ? decide(alert, delivery) : undefined;
        if (decided) {
          decisions.push(decided);
          state(decided);
        }
        const disposition = dispositionOf(alert, decided);
        const { decision = null, why = '', remediation = null } = decided ?? {};
        answers.push({ disposition, decision, why, remediation });
        const at = clock.now();
        // A key is acted upon once: a repeat would tell of the repeating, not of how long alerts take to get here.
        const isFirst = decision === 'execute' || decision === 'dry_run';
        const delayMs = alert && isFirst ? Math.max(0, at - alert.startsAt) : null;
        told.push({ type: 'alert.received', at, receiver, alert: alert && identityOf(alert), disposition, delayMs });
      }
      if (decisions.length > 0) {
        try {
          deps.sync();
        } catch (error) {
          takeBack(decisions);
          throw error;
        }
      }
      emit(...told);
      for (const decided of decisions) if (decided.decision === 'execute') void run(decided);
      return answers;
    },

    resume() {
      for (const decided of book.running()) {
        const target = deps.target(decided.component, false);
        const isDone = target !== undefined && target.healthySince !== null && target.healthySince >= decided.at;
        const { component, remediation, action } = decided;
        const at = clock.now();
        const end = (outcome: 'success' | 'cancelled', message: string) =>
          state({
            type: 'remediation.finished',
            at,
            component,
            remediation,
            action,
            outcome,
            message,
            durationMs: at - decided.at,
          });
        if (!target) end('cancelled', 'there is no such component any more');
        else if (isDone && action !== 'stop' && action !== 'checkpoint') end('success', `${component} is healthy`);
        else if (target.busy && action === 'restart') void run(decided, 'start');
        else void run(decided);
      }
    },

    running: book.running,
  };
}

function dispositionOf(alert: Alert | null, decided: Decided | undefined): Disposition {
  if (!alert) return 'malformed';
  const decision = decided?.decision ?? 'no_policy';
  if (decision === 'no_policy') return alert.status === 'resolved' ? 'resolved' : 'unmatched';
  return decision === 'duplicate' || decision === 'stale' || decision === 'resolved' ? decision : 'accepted';
}
