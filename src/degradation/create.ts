import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { failure } from '../errors.ts';
import { formatDuration, iso } from '../format.ts';
import { ALERT_HOLDS_MS } from '../level-wish.ts';
import {
  epochMs,
  HOST,
  type ComponentName,
  type DegradationStanding,
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
import { featuresOf, standings, type Features } from './features.ts';
import { FeatureCommands, type RunFeatureCommand } from './feature-commands.ts';
import { HeldPins } from './held-pins.ts';
import { inForce, isMilder, type InForce } from './in-force.ts';
import { changeBy } from './losses.ts';
import { holderOf, policyLevelOf, restore } from './restore.ts';

export interface DegradationDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  /** What earlier daemons have stated of it, oldest first. */
  readonly past: readonly RecoveryEvent[];
  /** They were stopped together with their components: the readings begin anew, what a person has asked for stays. */
  readonly clean: boolean;
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

/** Where no configuration says how long all must have been well. */
const RECOVER_AFTER_MS = 60_000;

/** There are no features until `configure` is called. */
export function createDegradation(deps: DegradationDeps): Degradation {
  const { clock, emit } = deps;
  const left = restore(deps.past);
  const commands = new FeatureCommands(deps);
  const share = createErrorShare(clock);

  let config: DegradationConfig = { components: {} };
  let features: Features = new Map();
  let condition = atLevel(deps.clean ? 'full' : policyLevelOf(left));
  let policyReason = left.last?.reason ?? '';
  let reading: Reading | null = null;
  let recovering = deps.recoveryMode;
  const pins = new HeldPins(clock, left.pins);
  let force: InForce = { level: 'full', trigger: 'policy', reason: '', until: null, ...forceOf(left.last) };
  let since: EpochMs = left.last?.at ?? clock.now();
  let standing: DegradationStanding = { level: force.level, features: {} };
  /** Features as they were switched last: those that nobody has switched are on. */
  const off = new Map<string, unknown>(left.off);
  const gone = new Map<ComponentName, string>();
  let accountedAt = clock.monotonic();
  let stopReading = () => {};
  let endRecovery: (() => void) | null = null;
  let begun = false;

  const lasted = (at: EpochMs): RecoveryEvent => {
    const now = clock.monotonic();
    const durationMs = now - accountedAt;
    accountedAt = now;
    return { type: 'degradation.lasted', at, level: force.level, durationMs };
  };

  /** Switches what has to be switched. @returns what to state of it. */
  function refresh(at: EpochMs, cause: ComponentName | null): RecoveryEvent[] {
    const next = { level: force.level, features: standings(features, force.level, gone) };
    if (isDeepStrictEqual(next, standing)) return [];
    standing = next;
    const incident = cause === null ? undefined : deps.incidentOf(cause);
    return [...features.values()].flatMap((feature): RecoveryEvent[] => {
      const { name } = feature;
      const { enabled = true, reason = null } = next.features[name] ?? {};
      if (enabled !== off.has(name)) return [];
      if (enabled) off.delete(name);
      else off.set(name, reason);
      commands.switched(feature, enabled, reason);
      const about = { at, ...(incident && { incident }) };
      return [{ type: 'degradation.feature_changed', ...about, feature: name, enabled, reason, cause }];
    });
  }

  /** Puts in force what counts now. @param because who has changed it, if it is not who asks for the level now. */
  function settle(stated: readonly RecoveryEvent[] = [], because?: Pick<InForce, 'trigger' | 'reason'>): void {
    const at = clock.now();
    const policy = { level: condition.level, reason: policyReason };
    const next = inForce({ policy, recovering, ...pins.all });
    const events = [...stated];
    if (next.level !== force.level) {
      const { level: to, trigger, reason, until } = { ...next, ...because };
      events.push(lasted(at), { type: 'degradation.level_changed', at, from: force.level, to, trigger, reason, until });
      since = at;
    }
    force = next;
    events.push(...refresh(at, null));
    if (events.length > 0) emit(...events);
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

  /** What is over goes in its time. */
  const watchPins = (): void =>
    pins.watch(() => {
      const stated = pins.expire();
      if (stated.length > 0)
        settle(stated, { trigger: 'policy', reason: 'the time for which it was asked for is over' });
    });

  const refuseUnderPerson = (trigger: Trigger): void => {
    const { person } = pins.all;
    if (!person || trigger === 'manual') return;
    const why = `a person holds the level at ${person.level}, and stands above`;
    throw failure('ACTION_REFUSED', { action: 'degrade', component: HOST, why });
  };

  /** Recovery mode is over when all has been well for a while. */
  function lookWhetherWell(): void {
    if (!recovering || !begun) return;
    if (!deps.allWell()) {
      endRecovery?.();
      endRecovery = null;
      return;
    }
    endRecovery ??= clock.after(config.degradation?.recover_after ?? RECOVER_AFTER_MS, () => {
      recovering = false;
      endRecovery = null;
      settle([], { trigger: 'policy', reason: 'all that is meant to run is well again' });
    });
  }

  function readAgain(): void {
    stopReading();
    stopReading = begun && config.degradation ? clock.every(config.degradation.interval, look) : () => {};
  }

  return {
    standing: () => standing,
    status: () => ({
      ...standing,
      since,
      trigger: force.trigger,
      reason: force.reason,
      until: force.until,
      policyLevel: config.degradation ? condition.level : null,
      reading,
      pins: pins.list,
      configured: [...features.values()],
    }),

    atStake(component) {
      const without = standings(features, force.level, new Map([...gone, [component, '']]));
      return Object.keys(without).filter((name) => standing.features[name]?.enabled && !without[name]?.enabled);
    },

    follow(events) {
      // Nearly all of them say nothing of it.
      if (!events.some((event) => changeBy(event) !== null)) return events;
      return events.flatMap((event): RecoveryEvent | RecoveryEvent[] => {
        const change = changeBy(event);
        if (change === null) return event;
        const { component, why } = change;
        if (why === null ? !gone.has(component) : gone.get(component) === why) return event;
        if (why === null) {
          gone.delete(component);
          return [event, ...refresh(event.at, component)];
        }
        gone.set(component, why);
        return [...refresh(event.at, component), event];
      });
    },

    hear(event) {
      if (event.type === 'check.tripped' && event.component === HOST && deps.read().network === 'lost') look();
      if (event.type === 'system.restarting' && !recovering) {
        recovering = true;
        settle();
      }
      if (recovering && event.type.startsWith('component.')) lookWhetherWell();
    },

    pin(level, trigger, forMs) {
      refuseUnderPerson(trigger);
      const holder = holderOf({ trigger });
      const now = clock.now();
      const lastsMs = holder === 'alert' ? (forMs ?? ALERT_HOLDS_MS) : forMs;
      const before = pins.all[holder];
      if (holder === 'alert' && before && isMilder(level, before.level))
        return `the level is held at ${before.level} already${untilText(before)}`;
      const pin = { level, trigger, since: now, until: lastsMs === null ? null : epochMs(now + lastsMs) };
      settle([pins.set(holder, pin)]);
      watchPins();
      const how = `held at ${level}${lastsMs === null ? ' until it is given back' : ` for ${formatDuration(lastsMs)}`}`;
      return force.level === level ? `the level is ${how}` : `the level is ${force.level} already, and is ${how}`;
    },

    unpin(trigger) {
      refuseUnderPerson(trigger);
      const holders = trigger === 'manual' ? (['person', 'alert'] as const) : (['alert'] as const);
      const stated = holders.flatMap((holder) => pins.lift(holder, 'lifted'));
      if (stated.length === 0) return `nobody holds the level: it is ${force.level}`;
      const who = trigger === 'manual' ? 'a person' : 'an alert';
      settle(stated, { trigger, reason: `${who} has given it back` });
      watchPins();
      return `the level is given back, and is ${force.level}`;
    },

    outcomes: (outcomes) => share.add(outcomes),

    configure(next) {
      const known = config.components;
      const followed = config.degradation !== undefined;
      config = next;
      features = featuresOf(next.degradation, next.components);
      for (const [name, { enabled }] of Object.entries(next.components) as [
        ComponentName,
        DegradationConfig['components'][string],
      ][]) {
        const why = enabled ? (Object.hasOwn(known, name) ? null : deps.goneBecause(name)) : 'is disabled';
        if (why !== null) gone.set(name, why);
      }
      for (const name of gone.keys()) if (!Object.hasOwn(next.components, name)) gone.delete(name);
      for (const name of off.keys()) if (!features.has(name)) off.delete(name);
      if (!next.degradation) {
        condition = atLevel('full');
        policyReason = followed ? 'the configuration does not say any more when to do less' : '';
      }
      readAgain();
      settle(pins.expire());
      watchPins();
    },

    begin() {
      begun = true;
      commands.resume(features);
      readAgain();
      lookWhetherWell();
    },

    account() {
      emit(lasted(clock.now()), ...pins.restate());
    },

    close() {
      stopReading();
      pins.close();
      endRecovery?.();
      return commands.close();
    },
  };
}

const forceOf = (last: ReturnType<typeof restore>['last']): Partial<InForce> =>
  last ? { level: last.to, trigger: last.trigger, reason: last.reason, until: last.until } : {};

const untilText = ({ until }: LevelPin): string => (until === null ? '' : `, until ${iso(until)}`);
