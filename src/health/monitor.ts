import type { Clock } from '../clock.ts';
import { isFailure, type ComponentName, type Emit, type RecoveryEvent } from '../model/index.ts';
import { assess, freshStreak } from './assess.ts';
import { checks as builtIn } from './checks/index.ts';
import type { Registry } from '../registry.ts';
import type { Check } from './check.ts';
import type { CheckState, HealthMonitor } from './health-monitor.ts';
import { COUNTS_OUTCOMES } from './outcome-log.ts';
import { createRunner, type Finding } from './runner.ts';
import { createSchedule } from './schedule.ts';
import type { Intervals } from './schema.ts';
import { createVerifying } from './verify.ts';
import {
  addTo,
  createWatch,
  forget,
  freshState,
  setState,
  statusOf,
  worstCheck,
  type Watch,
  type WatchedCheck,
} from './watch.ts';

const LIVED_MS = 100;

export interface MonitorDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  /** From 0 up to but not including 1: spreads the checks over their intervals. */
  readonly random: () => number;
  readonly intervals: Intervals;
  /** Kinds of checks beside the built-in ones: those of a library user. */
  readonly kinds?: Registry<Check>;
}

export function createMonitor(deps: MonitorDeps): HealthMonitor {
  const { clock, emit, random } = deps;
  const kinds = deps.kinds ?? builtIn;
  const schedule = createSchedule(clock);
  const watches = new Map<ComponentName, Watch>();
  let { intervals } = deps;

  function addCheck(watch: Watch, name: string): void {
    const plan = watch.watched.checks[name];
    const check = plan?.enabled ? kinds.get(plan.kind) : undefined;
    if (!plan || !check) return;
    const { component, cwd } = watch.watched;
    const entry: WatchedCheck = {
      plan,
      onHeartbeat: check.onHeartbeat === true,
      needsWork: check.needsWork === true,
      state: freshState(component, name, plan.kind),
      streak: freshStreak,
      runner: createRunner(check, plan, {
        clock,
        schedule,
        random,
        cwd,
        subject: watch.subject,
        intervalMs: () => (typeof plan.interval === 'number' ? plan.interval : intervals[plan.interval]),
        found: (finding) => record(watch, entry, finding),
      }),
    };
    addTo(watch, entry);
  }

  function record(watch: Watch, entry: WatchedCheck, finding: Finding): void {
    const { outcome, message, severity, durationMs, lateMs, latency } = finding;
    const { component, check, kind, outcome: before, lastSuccessAt } = entry.state;
    const at = clock.now();
    const counts = !watch.verifying && clock.monotonic() >= watch.countsFrom;
    const { streak, trips } = assess(entry.streak, outcome, entry.plan, counts);
    entry.streak = streak;
    const consecutiveFailures = streak.failures;
    if (entry.plan.kind !== COUNTS_OUTCOMES && outcome !== 'unknown')
      watch.outcomes.add('checks', check, !isFailure(outcome));
    const latest = { outcome, message, severity, at, consecutiveFailures };
    setState(watch, entry, {
      component,
      check,
      kind,
      ...latest,
      lastSuccessAt: outcome === 'healthy' ? at : lastSuccessAt,
      latency,
    });
    const told = { at, component, check, kind, message };
    const events: RecoveryEvent[] = [
      {
        type: 'check.completed',
        ...told,
        outcome,
        severity,
        durationMs,
        consecutiveFailures,
        ...(lateMs === undefined ? {} : { lateMs }),
      },
    ];
    if (before !== outcome) events.push({ type: 'check.changed', ...told, from: before, to: outcome });
    if (trips) {
      const { action } = entry.plan;
      events.push({ type: 'check.tripped', ...told, outcome, consecutiveFailures, action });
    }
    const { verifying } = watch;
    if (verifying?.note(check, outcome)) entry.runner.calm();
    const verified = verifying?.pending.size === 0;
    if (verified) watch.verifying = null;
    events.push(...healthChange(watch));
    emit(...events);
    if (verified) verifying?.end();
  }

  function healthChange(watch: Watch): RecoveryEvent[] {
    const [from, to] = [watch.told, statusOf(watch)];
    if (watch.verifying || from === to) return [];
    watch.told = to;
    const found = worstCheck(watch);
    const why = found ? `${found.check}: ${found.message}` : '';
    return [{ type: 'component.health_changed', at: clock.now(), component: watch.watched.component, from, to, why }];
  }

  function rest(watch: Watch): void {
    watch.active = false;
    for (const { runner } of watch.checks.values()) runner.end();
    endVerifying(watch);
  }

  function endVerifying(watch: Watch): void {
    const { verifying } = watch;
    watch.verifying = null;
    verifying?.end();
  }

  function begin(watch: Watch): void {
    watch.active = true;
    watch.countsFrom = clock.monotonic() + watch.watched.periodMs;
    for (const { runner } of watch.checks.values()) runner.begin();
  }

  return {
    watch(watched) {
      const old = watches.get(watched.component);
      const watch = createWatch(watched, clock);
      watches.set(watched.component, watch);
      for (const name of Object.keys(watched.checks)) addCheck(watch, name);
      watch.told = statusOf(watch);
      if (!old) return;
      const wasActive = old.active;
      rest(old);
      watch.beat = old.beat;
      watch.outcomes.adopt(old.outcomes);
      for (const [name, entry] of watch.checks) {
        const was = old.checks.get(name);
        if (!was || JSON.stringify(was.plan) !== JSON.stringify(entry.plan)) continue;
        setState(watch, entry, was.state);
        entry.streak = was.streak;
      }
      watch.told = old.told;
      if (wasActive) begin(watch);
      watch.countsFrom = old.countsFrom;
      const changes = wasActive ? healthChange(watch) : [];
      if (changes.length > 0) emit(...changes);
    },
    unwatch(component) {
      const watch = watches.get(component);
      watches.delete(component);
      if (watch) rest(watch);
    },
    resume(component) {
      const watch = watches.get(component);
      if (!watch) return;
      rest(watch);
      forget(watch);
      begin(watch);
    },
    pause(component) {
      const watch = watches.get(component);
      if (watch) rest(watch);
    },
    async verify(component, signal) {
      const watch = watches.get(component);
      const awaited = [...(watch?.checks ?? [])].filter(([, { needsWork }]) => !needsWork);
      const verifying = createVerifying(awaited.map(([name]) => name));
      if (!watch || verifying.pending.size === 0) {
        return clock.sleep(LIVED_MS, signal).then(
          () => ({ verified: true, checks: [] }),
          () => ({ verified: false, waitingFor: [] }),
        );
      }
      if (signal.aborted) return { verified: false, waitingFor: [...verifying.pending] };
      endVerifying(watch);
      if (!watch.active) begin(watch);
      watch.verifying = verifying;
      const abort = () => {
        if (watch.verifying !== verifying) return;
        for (const { runner } of watch.checks.values()) runner.calm();
        endVerifying(watch);
      };
      signal.addEventListener('abort', abort, { once: true });
      // What a heartbeat answers is looked at when one comes: to ask again and again would tell nothing new.
      for (const [, { runner, onHeartbeat }] of awaited) (onHeartbeat ? runner.hurry : runner.poll)();
      try {
        return await verifying.outcome;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    },
    heartbeat(component, beat) {
      const watch = watches.get(component);
      if (!watch) return;
      watch.beat = beat;
      for (const { onHeartbeat, state, runner } of watch.checks.values()) {
        const news = watch.verifying?.pending.has(state.check) === true || state.outcome !== beat.status;
        if (onHeartbeat && news) runner.hurry();
      }
    },
    outcomes(component, list) {
      const watch = watches.get(component);
      for (const { dependency, ok } of list) watch?.outcomes.add('calls', dependency, ok);
    },
    lastHeartbeat: (component) => watches.get(component)?.beat ?? null,
    checks(component) {
      const asked = component === undefined ? [...watches.values()] : [watches.get(component)];
      return asked.flatMap((watch): CheckState[] => [...(watch?.checks.values() ?? [])].map(({ state }) => state));
    },
    statusOf(component) {
      const watch = watches.get(component);
      return watch ? statusOf(watch) : 'unknown';
    },
    configure(next) {
      intervals = next;
      for (const watch of watches.values()) {
        if (watch.active && !watch.verifying) for (const { runner } of watch.checks.values()) runner.rearm();
      }
    },
    stop() {
      for (const watch of watches.values()) rest(watch);
      watches.clear();
      schedule.stop();
    },
  };
}
