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
import { consumes, createRemediationBook, type Decided } from './book.ts';
import { decideRemediation, type Situation, type Target } from './decide.ts';
import { execute } from './execute.ts';
import { askedBy, firstMatch, isOfHost, nameIn, restOf, ruleIdOf, type Asked } from './match.ts';
import type { RemediationPolicy, RemediationRule } from './schema.ts';

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

/** It is always there, and nothing of it is ever under way. */
const THE_HOST: Target = {
  held: false,
  enabled: true,
  healthySince: null,
  busy: false,
  restart: { kind: 'refuse', rule: 'host', why: 'the machine is not restarted' },
};

/** What an alert asks for, and by which rule; null: only its label asks. */
interface Wish extends Asked {
  readonly rule: (RemediationRule & { readonly index: number; readonly id: string }) | null;
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
  function wishOf(alert: Alert): Wish | undefined {
    const { rules } = policy();
    const index = firstMatch(rules, alert);
    const rule = index === null ? undefined : rules[index];
    if (index !== null && rule) return { ...askedBy(rule, alert), rule: { ...rule, index, id: ruleIdOf(rule) } };
    const action = actionNames.find((name) => name === alert.labels['recovery_action']);
    if (!action) return undefined;
    const component = isOfHost(action) ? HOST : nameIn(alert.labels['component']);
    return { action, component, parameters: { component }, force: false, rule: null };
  }

  function situation(alert: Alert, { action, component, force, rule }: Wish): Situation {
    const name = component as ComponentName | null;
    const within = Math.max(rule?.cooldown ?? 0, 3_600_000);
    return {
      enabled: policy().enabled,
      rule,
      action,
      target: isOfHost(action) ? THE_HOST : ((name === null ? undefined : deps.target(name, force)) ?? null),
      seen: book.seen(alert),
      over: book.isOver(alert),
      inFlight: !isOfHost(action) && name !== null && book.inFlight(name) !== undefined,
      executions: rule === null || name === null ? [] : book.executions(rule.id, name, clock.now(), within),
    };
  }

  function decide(alert: Alert, { receiver, trace }: Delivery): Decided | undefined {
    const wish = wishOf(alert);
    if (!wish) return undefined;
    const at = clock.now();
    const now = situation(alert, wish);
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
      rule: wish.rule?.index ?? null,
      ruleId: wish.rule?.id ?? null,
      trace,
    };
  }

  async function run(decided: Decided, action: ActionName = decided.action): Promise<void> {
    const finished = await execute(decided, deps, action);
    if (finished) state(finished);
  }

  const end = (decided: Decided, outcome: 'success' | 'cancelled', message: string): void => {
    const { component, remediation, action } = decided;
    const at = clock.now();
    const durationMs = Math.max(0, at - decided.at);
    state({ type: 'remediation.finished', at, component, remediation, action, outcome, message, durationMs });
  };

  /** Nothing may be done that would be forgotten: whoever delivers it will bring it again. */
  function takeBack(decisions: readonly Decided[]): void {
    for (const decided of decisions) end(decided, 'cancelled', 'the decision could not be stored');
  }

  /** What to do about an action that an earlier daemon has left: end it with a reason, or carry it on. */
  function carryOn(decided: Decided): void {
    const { component, action } = decided;
    const target = deps.target(component, false);
    if (!policy().enabled) return end(decided, 'cancelled', 'remediation is switched off');
    if (isOfHost(action)) {
      // Held twice is held once.
      const parameters = restOf(decided, clock.now());
      if (parameters) return void run({ ...decided, parameters });
      return end(decided, 'cancelled', 'the time for which it was asked for is over');
    }
    if (!target) return end(decided, 'cancelled', 'there is no such component any more');
    if (action === 'stop') return void run(decided);
    if (!target.enabled || target.held) return end(decided, 'cancelled', 'it is not meant to run any more');
    // Its client looks for us only now, and whoever asked will ask again.
    if (action === 'checkpoint') return end(decided, 'cancelled', 'the daemon was started anew');
    const isDone = target.healthySince !== null && target.healthySince >= decided.at;
    if (isDone) return end(decided, 'success', `${component} is healthy`);
    void run(decided, target.busy ? 'start' : action);
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
          takeBack(decisions.filter(consumes));
          throw error;
        }
      }
      emit(...told);
      for (const decided of decisions) if (decided.decision === 'execute') void run(decided);
      return answers;
    },

    resume() {
      for (const decided of book.running()) carryOn(decided);
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
