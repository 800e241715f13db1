import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/index.ts';
import type { ComponentName, HealthStatus } from '../../src/model/index.ts';
import type { Fate } from '../support/fake-driver.ts';
import { configure, fakeHouse, wished } from './fake-house.ts';

/** More: `npm run fuzz`. */
const HISTORIES = Number(process.env['PARAMEDIC_HISTORIES'] ?? 300);
const HOST_LIMIT = 4;
const HOUR_MS = 3_600_000;
/** After these what was decided before is over. */
const overtaken = new Set([
  'component.starting',
  'component.held',
  'component.failed',
  'component.removed',
  'recovery.finished',
]);
const names = ['store', 'mail', 'agent', 'batch'] as const;
type Name = (typeof names)[number];
/** A person's, a reload's and a boot's starts are nobody's budget. */
const automatic = new Set(['crash', 'health', 'hang']);

const policies = ['immediate', 'delayed', 'exponential_backoff', 'no_restart', 'manual_only'] as const;
interface Setup {
  readonly policy: (typeof policies)[number];
  readonly maxRestarts: number;
  readonly slowLoopAfter: number;
  readonly onDependency: 'restart' | 'ignore';
  /** As in a fate, when there is none. */
  readonly leavesAfter: number | null;
}

function config(
  setups: Record<Name, Setup>,
  changes: Readonly<Record<string, object>>,
  absent: ReadonlySet<string>,
): Config {
  const component = (name: Name, more: object) => ({
    command: ['run', name],
    start: { timeout: '10s', period: '5s' },
    stop: { timeout: '4s' },
    features: [`feature-of-${name}`],
    restart: {
      policy: setups[name].policy,
      max_restarts: setups[name].maxRestarts,
      slow_loop_after: setups[name].slowLoopAfter,
      initial_delay: '2s',
      max_delay: '30s',
      jitter: 0,
      restart_window: '2m',
      on_dependency_restart: setups[name].onDependency,
      exit_codes: { 78: 'fail', 0: 'ignore' },
    },
    ...more,
    ...changes[name],
  });
  const components: Record<string, object> = {
    store: component('store', { priority: 'critical' }),
    mail: component('mail', { priority: 'high', depends_on: ['store'] }),
    agent: component('agent', { priority: 'medium', depends_on: ['store', 'mail'] }),
    batch: component('batch', { priority: 'low' }),
  };
  const present = Object.fromEntries(Object.entries(components).filter(([key]) => !absent.has(key)));
  // A restart of the whole system holds the level at minimal: no level gives up what is critical.
  const features = Object.fromEntries(names.map((key) => [`feature-of-${key}`, { priority: 'critical' }]));
  return configure({ restart: { max_restarts_per_hour: HOST_LIMIT }, degradation: { features }, components: present }, [
    'store',
    'agent',
  ]);
}

type Step =
  | { readonly do: 'kill' | 'crash' | 'start' | 'stop' | 'restart' | 'force'; readonly name: Name }
  | { readonly do: 'fate'; readonly name: Name; readonly fate: Fate }
  | { readonly do: 'health'; readonly name: Name; readonly health: HealthStatus }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'reload'; readonly name: Name; readonly change: 'command' | 'logs' | 'enabled' }
  | { readonly do: 'remove or add'; readonly name: Name };

const name = fc.constantFrom(...names);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Fate>({}) },
  fc.constant<Fate>({ refused: true }),
  fc.record({ endsAfter: fc.constantFrom(0, 50, 150, 6_000), code: fc.constantFrom(0, 1, 1, 1, 78) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('kill', 'crash'), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('start', 'stop', 'restart', 'force'), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('fate' as const), name, fate }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('health' as const),
      name: fc.constantFrom('store', 'agent'),
      health: fc.constantFrom('healthy', 'healthy', 'degraded', 'unhealthy', 'critical', 'unknown'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 120, 600, 2_500, 7_000, 40_000, 150_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reload' as const),
      name,
      change: fc.constantFrom('command', 'logs', 'enabled'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('remove or add' as const), name: fc.constantFrom('agent', 'batch') }),
  },
);
const setup: fc.Arbitrary<Setup> = fc.record({
  policy: fc.constantFrom(...policies, 'immediate', 'exponential_backoff'),
  maxRestarts: fc.constantFrom(0, 1, 3, 6),
  slowLoopAfter: fc.constantFrom(0, 2, 5),
  onDependency: fc.constantFrom('restart', 'ignore'),
  leavesAfter: fc.constantFrom(0, 300, 3_000, null),
});
const history = fc.record({
  setups: fc.record({ store: setup, mail: setup, agent: setup, batch: setup }),
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
});

/** Few things happen, but they go on for long: what rules that look back for a day are about. */
const longHistory = fc.record({
  setups: fc.record({ store: setup, mail: setup, agent: setup, batch: setup }),
  steps: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant('crash' as const), name }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(60_000, 150_000) }) },
      { weight: 1, arbitrary: step },
    ),
    { minLength: 10, maxLength: 30 },
  ),
});

/** Lives through one history, and says what was wrong with it. */
async function live({ setups, steps }: { setups: Record<Name, Setup>; steps: readonly Step[] }): Promise<void> {
  wished.clear();
  const fates = new Map<string, Fate>();
  const changes: Record<string, object> = {};
  const absent = new Set<string>();
  let edits = 0;
  const { clock, driver, events, roster, house, actor, reload, record, problems, close } = fakeHouse(
    config(setups, {}, absent),
    () => 0.5,
  );
  driver.fate = (component) => ({
    leavesAfter: setups[component as unknown as Name].leavesAfter,
    ...fates.get(component),
  });
  const alive = (component: string) => driver.alive(component as ComponentName);
  const asked: Promise<unknown>[] = [];
  const ask = (answer: Promise<unknown>) => void asked.push(answer.catch(() => undefined));

  /** True at any time between two steps. */
  const check = (): void => {
    expect(problems, 'nothing is thrown').toEqual([]);
    expect(driver.mostTogether, 'never two processes of one component').toBeLessThanOrEqual(1);
    for (const { name: component, life, waitingFor, config: plan } of roster) {
      const { state, held } = record(component);
      const lives = alive(component).length > 0;
      const { enabled } = house.degradation.standing().features[`feature-of-${component}`] ?? {};
      const isGone = held || state.is === 'failed';
      // A person may have started what is disabled.
      if (isGone || (state.is === 'running' && plan.enabled))
        expect(enabled, `what ${component} provides`).toBe(!isGone);
      if (held) expect(['running', 'starting'], `${component} is held down`).not.toContain(state.is);
      if (state.is === 'running') expect(lives, `${component} is running`).toBe(true);
      if (state.is === 'backoff' || state.is === 'failed' || state.is === 'stopped') {
        expect(lives, `${component} is ${state.is}`).toBe(false);
        expect(life, `${component} is ${state.is}`).toBeNull();
        const explained = state.why !== '' || held || waitingFor !== '' || !plan.enabled;
        expect(explained, `${component} says why it is ${state.is}`).toBe(true);
      }
    }
  };

  for (const now of steps) {
    if (now.do === 'kill') alive(now.name).forEach((process) => process.end({ code: null, signal: 'SIGKILL' }));
    else if (now.do === 'crash') alive(now.name).forEach((process) => process.end({ code: 1, signal: null }));
    else if (now.do === 'start') ask(actor.start(now.name, 'person'));
    else if (now.do === 'stop') ask(actor.stop(now.name, 'person'));
    else if (now.do === 'restart') ask(actor.restart(now.name, 'person', false));
    else if (now.do === 'force') ask(actor.restart(now.name, 'person', true));
    else if (now.do === 'fate') fates.set(now.name, now.fate);
    else if (now.do === 'health') wished.set(now.name, now.health);
    else if (now.do === 'reload') {
      edits += 1;
      if (now.change === 'command') changes[now.name] = { command: ['run', `${now.name}-${edits}`] };
      else if (now.change === 'logs') changes[now.name] = { logs: { keep: edits } };
      else changes[now.name] = { enabled: edits % 2 === 0 };
      ask(reload(config(setups, changes, absent)));
    } else if (now.do === 'remove or add') {
      if (!absent.delete(now.name)) absent.add(now.name);
      ask(reload(config(setups, changes, absent)));
    }
    await clock.advance(now.do === 'wait' ? now.ms : 0);
    check();
  }

  // All is well again, and time passes: what is meant to run runs, whatever came before.
  wished.clear();
  fates.clear();
  const missing = () =>
    [...roster].filter(({ name: component, config: plan }) => {
      const { state, held, recovery } = record(component);
      if (held || !plan.enabled || state.is === 'failed' || (state.is === 'stopped' && state.settled)) return false;
      const blocked = plan.depends_on.some((dependency) => record(dependency).state.is !== 'running');
      return state.is === 'running' ? recovery !== null : !blocked;
    });
  for (let minutes = 0; minutes < 2 || (minutes < 70 && missing().length > 0); minutes++) await clock.advance(60_000);
  check();
  expect(
    missing().map(({ name: component }) => record(component)),
    'all that is meant to run',
  ).toEqual([]);

  // Each automatic restart was decided, and no decision passed a budget or went on with a slow loop.
  const spells = new Map<string, { readonly at: number; readonly count: number }>();
  const faulty = new Set<string>();
  const decided = new Map<string, number[]>();
  const starts = new Map<string, number>();
  const host: number[] = [];
  for (const event of events) {
    if (event.type === 'component.released' || event.type === 'component.removed') {
      decided.delete(event.component);
      spells.delete(event.component);
    }
    // In a fake life there is one fault of its own: exit code 1.
    if (event.type === 'component.starting') faulty.delete(event.component);
    if (event.type === 'component.crashed' && event.exit.code === 1) {
      faulty.add(event.component);
      const last = spells.get(event.component);
      if (!last || event.at - last.at >= 120_000)
        spells.set(event.component, { at: event.at, count: (last?.count ?? 0) + 1 });
    }
    if (event.type === 'restart.decided' && event.by === 'supervisor' && event.reason === 'crash') {
      const { slowLoopAfter } = setups[event.component as Name];
      const looping = slowLoopAfter > 0 && (spells.get(event.component)?.count ?? 0) >= slowLoopAfter;
      if (looping && faulty.has(event.component))
        expect(event.decision.kind, `${event.component} is in a slow loop`).not.toBe('restart');
    }
    if (event.type === 'restart.decided' && event.counted && event.decision.kind === 'restart') {
      const component = event.component as Name;
      const recent = (decided.get(component) ?? []).filter((at) => event.at - at < 120_000);
      expect(recent.length, `${component}'s budget`).toBeLessThan(setups[component].maxRestarts);
      decided.set(component, [...recent, event.at]);
      starts.set(component, (starts.get(component) ?? 0) + 1);
      if (component !== 'store')
        expect(host.filter((at) => event.at - at < HOUR_MS).length, 'the budget of the host').toBeLessThan(HOST_LIMIT);
      host.push(event.at);
    }
    if (event.type === 'component.starting' && automatic.has(event.reason)) {
      const left = starts.get(event.component) ?? 0;
      expect(left, `${event.component} is started as often as was decided`).toBeGreaterThan(0);
      starts.set(event.component, left - 1);
    }
  }

  // Whoever leans on what is given up is told before it is.
  const off = new Set<string>();
  for (const event of events) {
    if (event.type === 'degradation.feature_changed' && event.enabled) off.delete(event.feature);
    else if (event.type === 'degradation.feature_changed') off.add(event.feature);
    else if (event.type === 'component.failed') expect([...off]).toContain(`feature-of-${event.component}`);
  }

  // The system is restarted once an hour at most, one after the other, and as a whole.
  const systems = events.filter((event) => event.type === 'system.restarting' || event.type === 'system.restarted');
  expect(systems.map(({ type }) => type)).toEqual(
    systems.map((_, n) => (n % 2 === 0 ? 'system.restarting' : 'system.restarted')),
  );
  const begun = systems.filter(({ type }) => type === 'system.restarting');
  for (const [n, { at }] of begun.slice(1).entries()) expect(at - begun[n]!.at).toBeGreaterThanOrEqual(HOUR_MS);

  // What is critical waits for nobody: each restart that is decided comes when its delay and the stop are over.
  const STOP_MS = 5_000;
  const ofStore = events.filter((event) => 'component' in event && event.component === 'store');
  for (const [n, event] of ofStore.entries()) {
    if (event.type !== 'restart.decided') continue;
    expect(event.decision.kind).not.toBe('wait');
    if (event.decision.kind !== 'restart') continue;
    const due = event.at + event.decision.delayMs + STOP_MS;
    const next = ofStore
      .slice(n + 1)
      .find((later) => overtaken.has(later.type) || ('next' in later && later.next === 'stop'));
    expect(next?.at ?? Infinity, 'store is started as was decided').toBeLessThanOrEqual(due);
  }

  // Every recovery has an incident, one at a time for each component, and none is open that is over.
  const openOf = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'incident.opened') {
      expect(openOf.get(event.component), `${event.component} has one incident at a time`).toBeUndefined();
      openOf.set(event.component, event.incident);
    }
    if (event.type === 'incident.resolved') {
      expect(openOf.get(event.component)).toBe(event.incident);
      openOf.delete(event.component);
    }
    if (event.type === 'recovery.started') expect(event.incident).toBe(openOf.get(event.component));
    if (event.type === 'recovery.started') expect(event.incident).toBeDefined();
  }
  for (const { name: component } of roster)
    if (record(component).state.is === 'running')
      expect(house.incidents.of(component), `${component} runs and is well`).toBeUndefined();

  // A daemon that stops leaves nothing behind.
  house.phase = 'stopping';
  const stopped = roster.stopAll('the end');
  await clock.advance(60_000);
  await stopped;
  await Promise.all(asked);
  await clock.advance(5 * 60_000);
  for (const component of names) expect(alive(component), component).toEqual([]);
  close();
}

describe('whatever happens to a supervisor', () => {
  it(
    'no budget is passed, nothing runs twice, all that is meant to run comes back, and what does not says why',
    { timeout: 600_000 },
    async () => {
      await fc.assert(fc.asyncProperty(history, live), { numRuns: HISTORIES, endOnFailure: false });
    },
  );

  it('and it goes on for long, all of that holds too', { timeout: 600_000 }, async () => {
    await fc.assert(fc.asyncProperty(longHistory, live), { numRuns: HISTORIES / 4, endOnFailure: false });
  });
});
