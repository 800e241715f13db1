import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { failure } from '../errors.ts';
import { formatDuration, iso } from '../format.ts';
import { ALERT_HOLDS_MS } from '../level-wish.ts';
import {
  epochMs,
  HOST,
  type ComponentName,
  type DegradationRecord,
  type Emit,
  type EpochMs,
  type IncidentId,
  type LevelPin,
  type RecoveryEvent,
  type Trigger,
} from '../model/index.ts';
import { atLevel, decide, type Reading } from './decide.ts';
import type { Degradation, DegradationConfig } from './degradation.ts';
import { createErrorShare } from './error-share.ts';
import type { RunFeatureCommand } from './feature-commands.ts';
import { featuresOf } from './features.ts';
import { HeldPins } from './held-pins.ts';
import { inForce, type InForce } from './in-force.ts';
import { changeBy, Losses } from './losses.ts';
import { Recovery } from './recovery.ts';
import { restore } from './restore.ts';
import { FeatureSwitches } from './feature-switches.ts';

export interface DegradationDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  /** What earlier daemons have stated of it, oldest first. */
  readonly past: readonly RecoveryEvent[];
  /** They were stopped together with their components: the readings begin anew, what a person has asked for stays. */
  readonly clean: boolean;
  /** The daemon begins in recovery mode, or goes on with a restart of the whole system. */
  readonly recoveryMode: boolean;
  /** What is known of the machine now. */
  readonly read: () => Omit<Reading, 'errorRate'>;
  /** Why a component is not there, in words that follow its name (`has failed`); null: it is, or it is brought back. */
  readonly goneBecause: (component: ComponentName) => string | null;
  /** All that is meant to run is well. */
  readonly allWell: () => boolean;
  readonly incidentOf: (component: ComponentName) => IncidentId | undefined;
  readonly run: RunFeatureCommand;
  /** Hides secrets in what a command says. */
  readonly mask: (text: string) => string;
}

/** Old events go after a week: how it stands must not go with them. */
const RECORD_AGAIN_MS = 86_400_000;

const TIME_IS_OVER = { trigger: 'policy', reason: 'the time for which it was asked for is over' } as const;

/** There are no features until `configure` is called. */
export function createDegradation(deps: DegradationDeps): Degradation {
  const { clock, emit } = deps;
  const left = restore(deps.past);
  const {
    level,
    trigger,
    reason,
    until,
    since: sinceBefore,
    pins: held,
    policy: judged,
  } = left.record ?? nothing(clock);

  let config: DegradationConfig = { components: {} };
  let condition = atLevel(deps.clean ? 'full' : judged.level);
  let policyReason = deps.clean && judged.level !== 'full' ? 'all was stopped, and begins anew' : judged.reason;
  let reading: Reading | null = null;
  let force: InForce = { level, trigger, reason, until };
  let since = sinceBefore;
  const share = createErrorShare(clock);
  const pins = new HeldPins(clock, held);
  const switches = new FeatureSwitches(deps, level, left.off);
  const losses = new Losses(deps.goneBecause);
  const recovery = new Recovery({
    clock,
    under: deps.recoveryMode,
    allWell: deps.allWell,
    over: () => settle([], { trigger: 'policy', reason: 'all that is meant to run is well again' }),
  });
  /** What the policy says, as it was recorded last. */
  let recorded = judged;
  let recordedAt = -Infinity;
  let accountedAt = clock.monotonic();
  let stopReading = () => {};
  let begun = false;

  const policyNow = (): DegradationRecord['policy'] => ({ level: condition.level, reason: policyReason });

  const lasted = (at: EpochMs): RecoveryEvent => {
    const now = clock.monotonic();
    const durationMs = now - accountedAt;
    accountedAt = now;
    return { type: 'degradation.lasted', at, level: force.level, durationMs };
  };

  /** How all of it stands, for the daemon after this one. */
  const record = (at: EpochMs): RecoveryEvent => {
    recorded = policyNow();
    recordedAt = clock.monotonic();
    const { off } = switches;
    return { type: 'degradation.recorded', at, ...force, since, policy: recorded, pins: pins.list, off };
  };

  /** Once a day, and by a daemon that comes back; where nothing is given up or held there is nothing to keep. */
  const recordAgain = (at: EpochMs): RecoveryEvent[] => {
    if (clock.monotonic() - recordedAt < RECORD_AGAIN_MS) return [];
    const isAsEver =
      force.level === 'full' && condition.level === 'full' && pins.list.length + switches.off.length === 0;
    return isAsEver ? [] : [record(at)];
  };

  const refresh = (at: EpochMs, cause: ComponentName | null): RecoveryEvent[] =>
    switches.refresh(force.level, losses.gone, at, cause);

  /** Puts in force what counts now. @param because who has changed it, if it is not who asks for the level now. */
  function settle(stated: readonly RecoveryEvent[] = [], because?: Pick<InForce, 'trigger' | 'reason'>): void {
    const at = clock.now();
    const policy = policyNow();
    const next = inForce({ policy, recovering: recovery.under, person: pins.person, alerts: pins.alerts });
    const events = [...stated];
    if (next.level !== force.level) {
      const { level: to, trigger, reason, until } = { ...next, ...because };
      events.push(lasted(at), { type: 'degradation.level_changed', at, from: force.level, to, trigger, reason, until });
      since = at;
    }
    force = next;
    events.push(...refresh(at, null));
    if (events.length > 0 || !isDeepStrictEqual(policy, recorded)) emit(...events, record(at));
  }

  function look(): void {
    const policy = config.degradation;
    if (!policy) return;
    reading = { ...deps.read(), errorRate: share.of(policy.thresholds.error_rate_minimum_calls) };
    const step = decide(condition, reading, policy, clock.monotonic());
    ({ condition } = step);
    if (step.reason === null) return;
    policyReason = step.reason;
    settle();
  }

  /** What is over goes in its time; a timer does not see it when the machine sleeps, or its clock is set. */
  function expire(): void {
    const stated = pins.expire();
    if (stated.length > 0) settle(stated, TIME_IS_OVER);
  }

  const refuseUnderPerson = (trigger: Trigger): void => {
    expire();
    const { person } = pins;
    if (!person || trigger === 'manual') return;
    const why = `a person holds the level at ${person.level}, and stands above`;
    throw failure('ACTION_REFUSED', { action: 'degrade', component: HOST, why });
  };

  const lookWhetherWell = (): void => {
    if (begun) recovery.look(config.degradation?.recover_after);
  };

  function readAgain(): void {
    stopReading();
    stopReading = begun && config.degradation ? clock.every(config.degradation.interval, look) : () => {};
  }

  return {
    standing: () => switches.standing,
    status: () => ({
      ...switches.standing,
      since,
      trigger: force.trigger,
      reason: force.reason,
      until: force.until,
      policyLevel: config.degradation ? condition.level : null,
      reading,
      pins: pins.list,
      configured: switches.configured,
    }),

    atStake: (component) => switches.atStake(component, losses.gone),

    follow(events) {
      // Nearly all of them say nothing of it.
      if (!events.some((event) => changeBy(event) !== null)) return events;
      return events.flatMap((event): RecoveryEvent | RecoveryEvent[] => {
        const change = changeBy(event);
        if (change === null || !losses.take(change)) return event;
        const switched = refresh(event.at, change.component);
        return change.why === null ? [event, ...switched] : [...switched, event];
      });
    },

    hear(event) {
      if (event.type === 'check.tripped' && event.component === HOST && deps.read().network === 'lost') look();
      if (event.type === 'system.restarting' && !recovery.under) {
        recovery.begin();
        settle();
      }
      if (recovery.under && event.type.startsWith('component.')) lookWhetherWell();
    },

    pin(level, trigger, forMs) {
      refuseUnderPerson(trigger);
      const now = clock.now();
      const lastsMs = trigger === 'manual' ? forMs : (forMs ?? ALERT_HOLDS_MS);
      const pin = { level, trigger, since: now, until: lastsMs === null ? null : epochMs(now + lastsMs) };
      const covering = trigger === 'manual' ? undefined : pins.covering(pin);
      if (covering) return `the level is held at ${covering.level} already${untilText(covering)}`;
      settle([pins.hold(pin)]);
      pins.watch(expire);
      const how = `held at ${level}${lastsMs === null ? ' until it is given back' : ` for ${formatDuration(lastsMs)}`}`;
      return force.level === level ? `the level is ${how}` : `the level is ${force.level} already, and is ${how}`;
    },

    unpin(trigger) {
      refuseUnderPerson(trigger);
      const stated = pins.lift(trigger === 'manual' ? ['person', 'alert'] : ['alert']);
      if (stated.length === 0) return `nobody holds the level: it is ${force.level}`;
      const who = trigger === 'manual' ? 'a person' : 'an alert';
      settle(stated, { trigger, reason: `${who} has given it back` });
      pins.watch(expire);
      return `the level is given back, and is ${force.level}`;
    },

    outcomes: (outcomes) => share.add(outcomes),

    configure(next) {
      losses.configure(next.components, config.components);
      config = next;
      const left = switches.configure(featuresOf(next.degradation, next.components), clock.now());
      if (!next.degradation && condition.level !== 'full') {
        condition = atLevel('full');
        policyReason = 'the configuration does not say any more when to do less';
      }
      readAgain();
      const over = pins.expire();
      settle([...left, ...over], over.length > 0 ? TIME_IS_OVER : undefined);
      pins.watch(expire);
    },

    begin() {
      begun = true;
      switches.resume();
      readAgain();
      lookWhetherWell();
    },

    account() {
      expire();
      const at = clock.now();
      emit(lasted(at), ...recordAgain(at));
    },

    close() {
      stopReading();
      pins.close();
      recovery.close();
      return switches.close();
    },
  };
}

const nothing = (clock: Clock): DegradationRecord => ({
  level: 'full',
  trigger: 'policy',
  reason: '',
  until: null,
  since: clock.now(),
  policy: { level: 'full', reason: '' },
  pins: [],
  off: [],
});

const untilText = ({ until }: LevelPin): string => (until === null ? '' : `, until ${iso(until)}`);
