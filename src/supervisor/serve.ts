import { join } from 'node:path';
import type { Experiments } from '../chaos/index.ts';
import { failure } from '../errors.ts';
import { iso } from '../format.ts';
import { overall } from '../health/index.ts';
import { HOST, type ComponentName, type EpochMs, type HealthStatus } from '../model/index.ts';
import { attemptsSoFar, budgetUsed, worstFault } from '../restart/index.ts';
import { formatDuration } from '../units.ts';
import type { ComponentView, Daemon, ExplainView, HealthView, StatusView } from './api.ts';
import type { House } from './house.ts';
import { receivePing } from './receive-ping.ts';
import type { Keeper } from './keeper.ts';
import { decideFor, doubtedOf } from './situation.ts';
import type { SystemRestart } from './system-restart.ts';
import { stateName } from './state.ts';
import { budgetView, checkView, componentView, crashView, eventView, recoveryView } from './views.ts';

export interface ServeDeps {
  readonly house: House;
  readonly act: Daemon['act'];
  readonly remediation: Daemon['remediation'];
  readonly experiments: Experiments;
  readonly reload: Daemon['reload'];
  readonly requestStop: Daemon['requestStop'];
  readonly metrics: Daemon['metrics'];
  readonly prune: () => Promise<number>;
  readonly systemRestart: Pick<SystemRestart, 'wouldCome'>;
}

/** The whole of a running daemon as HTTP and the command line see it: views of the house, and the ways to act on it. */
export function serve({
  house,
  act,
  remediation,
  experiments,
  reload,
  requestStop,
  metrics,
  prune,
  systemRestart,
}: ServeDeps): Daemon {
  const { bus, store, roster, monitor, clock } = house;

  const view = (keeper: Keeper): ComponentView => {
    const now = clock.now();
    return componentView({
      config: keeper.config,
      record: bus.record(keeper.name),
      checks: monitor.checks(keeper.name),
      usage: house.readings.of(keeper.name).usage,
      pid: keeper.process?.pid ?? null,
      adopted: keeper.life?.running?.adopted ?? false,
      budgetUsed: used(house, keeper, now),
      waitingFor: keeper.waitingFor,
      health: healthOf(house, keeper),
      now,
    });
  };

  return {
    state: house.state,
    incidents: house.desk,
    remediation,
    commands: house.commands,
    experiments,
    breakers: house.breakers,
    degradation: () => house.degradation.status(),
    status: () => statusView(house, [...roster].map(view)),
    components: () => [...roster].map(view),
    component: (name) => view(roster.get(name)),
    explain: (name) => explainView(house, roster.get(name), systemRestart),
    health: () => healthView(house),
    ready: () => house.phase === 'supervising',
    crashes: ({ component, limit }) =>
      store.crashes({ component: component as ComponentName | undefined, limit }).map(crashView),
    crashReport: (id) => house.reports.read(id),
    pruneCheckpoints: prune,
    recoveries: (limit) => store.newestOf('system.recovered', limit).toReversed().map(recoveryView),
    checkpoints: (component, limit) => house.state.list(component as ComponentName | undefined, limit),
    act,
    eventsAfter: (seq, limit) => store.after(seq, limit).map((stored) => eventView(stored.event, stored.seq)),
    newestEvents: (limit) => store.newest(limit).map((stored) => eventView(stored.event, stored.seq)),
    lastSeq: () => store.lastSeq(),
    subscribe: bus.subscribe,
    view: eventView,
    logFiles(name) {
      const folder = join(house.paths.logs, roster.get(name).name);
      return { stdout: join(folder, 'stdout.log'), stderr: join(folder, 'stderr.log') };
    },
    config: () => house.loaded.masked,
    reload,
    metrics,
    requestStop,
    authenticate(token) {
      // Who is adopted and who is let go of is not known yet, or not any more: they must ask again, not give up.
      if (house.phase === 'booting') throw failure('NOT_READY', undefined);
      const speaker = house.credentials.readComponentToken(token);
      const keeper = speaker && roster.living(speaker.component);
      const current = keeper?.life?.incarnation === speaker?.incarnation;
      if (keeper && !current && house.phase === 'stopping') throw failure('SHUTTING_DOWN', undefined);
      return keeper && { ...speaker, current };
    },
    speaksFor: (component, other): other is ComponentName =>
      other === component || roster.living(other as ComponentName)?.config.parent?.name === component,
    heartbeat(component, { status = 'healthy', message = '', progress = null, metrics: given = {}, ...beat }) {
      if (!roster.living(component)?.life) return;
      const at = clock.now();
      const list = Object.entries(given).map(([name, value]) => ({ name, value }));
      monitor.heartbeat(component, { at, status, message, progress, metrics: given });
      bus.emit({ type: 'heartbeat.received', component, at, status, message, progress, metrics: list });
      const { state, dirty_seconds: age } = beat;
      if (state) house.autoCheckpoint.hear(component, state, age === undefined ? undefined : age * 1_000);
    },
    ping: (token, told) => receivePing(house, token, told),
    testify: (component, told) => roster.living(component)?.testify(told),
    outcomes(component, outcomes) {
      monitor.outcomes(component, outcomes);
      house.degradation.outcomes(outcomes);
    },
    async restore(component) {
      const { lastEndAt } = bus.record(component);
      const keeper = roster.get(component);
      return house.state.getState(component, lastEndAt, doubtedOf(house, keeper), keeper.config.state.preserve);
    },
  };
}

const used = (house: House, { name, config }: Keeper, now: EpochMs): number => {
  const { restart_window } = config.restart;
  return budgetUsed(house.ledger.of(name, restart_window, now), restart_window, now);
};

/** A component that is meant to run and does not serve is unhealthy, whatever its last checks said. */
export function healthOf(house: House, { name, config }: Keeper): HealthStatus {
  const { state, held } = house.bus.record(name);
  if (state.is === 'running')
    return house.monitor.statusOf(name) === 'unknown' ? state.health : house.monitor.statusOf(name);
  if (!config.enabled || held) return 'unknown';
  return state.is === 'starting' ? 'degraded' : 'unhealthy';
}

function overallHealth(house: House): HealthStatus {
  const components = [...house.roster].flatMap((keeper) => {
    const { held } = house.bus.record(keeper.name);
    if (!keeper.config.enabled || held) return [];
    return [{ component: keeper.name, priority: keeper.config.priority, status: healthOf(house, keeper) }];
  });
  const hostChecks = Object.keys(house.loaded.config.host.checks).length > 0;
  const host = { component: HOST, priority: 'medium' as const, status: house.monitor.statusOf(HOST) };
  return overall(hostChecks ? [...components, host] : components);
}

/** The host's and the components' complaints, worst first, at most three. */
function whyNotWell(house: House, components: readonly ComponentView[]): string {
  const order: readonly HealthStatus[] = ['critical', 'unhealthy', 'degraded'];
  const host = house.monitor.checks(HOST).map(({ check, message }) => `${check}: ${message}`);
  const complaints = [
    { health: house.monitor.statusOf(HOST), text: `host: ${host.join('; ')}` },
    ...components.map(({ name, health, state, why }) => ({ health, text: `${name}: ${why || state}` })),
  ];
  return order
    .flatMap((status) => complaints.filter(({ health }) => health === status))
    .slice(0, 3)
    .map(({ text }) => text)
    .join('; ');
}

function statusView(house: House, components: readonly ComponentView[]): StatusView {
  const now = house.clock.now();
  const { level, reason, features } = house.degradation.status();
  return {
    version: house.version,
    pid: process.pid,
    address: house.url.replace(/^https?:\/\//, ''),
    started_at: iso(house.startedAt),
    uptime_seconds: Math.round((now - house.startedAt) / 1_000),
    config: house.loaded.file,
    state_dir: house.paths.root,
    recovery_mode: house.recoveryMode,
    health: overallHealth(house),
    why: whyNotWell(house, components),
    level,
    level_why: reason,
    features_off: Object.keys(features).filter((name) => !features[name]?.enabled),
    restarts_last_hour: house.ledger.host(now).length,
    max_restarts_per_hour: house.loaded.config.restart.max_restarts_per_hour,
    components,
  };
}

function healthView(house: House): HealthView {
  const checks = (name: ComponentName) => house.monitor.checks(name).map(checkView);
  const entries = [...house.roster].map(
    (keeper) => [keeper.name, { status: healthOf(house, keeper), checks: checks(keeper.name) }] as const,
  );
  const host = { status: house.monitor.statusOf(HOST), checks: checks(HOST) };
  const summary = { healthy: 0, degraded: 0, unhealthy: 0, critical: 0, unknown: 0 };
  for (const [, { status }] of entries) summary[status]++;
  return { status: overallHealth(house), summary, components: { host, ...Object.fromEntries(entries) } };
}

function explainView(house: House, keeper: Keeper, system: ServeDeps['systemRestart']): ExplainView {
  const now = house.clock.now();
  const record = house.bus.record(keeper.name);
  const { restart } = keeper.config;
  // The crash that it is asked about is one that it has had before, if it has had any.
  const worst = worstFault(house.ledger.faults(keeper.name, now), null, restart, now);
  const crash = { code: null, severity: 'high', signature: worst?.signature ?? null } as const;
  const decision = decideFor(house, keeper, { reason: 'crash', by: 'supervisor', force: false, crash });
  const all = decision.kind === 'fail' && restart.on_failed === 'stay' && system.wouldCome(keeper, decision.rule);
  const features = house.degradation.atStake(keeper.name);
  return {
    component: keeper.name,
    state: stateName(record.state),
    if_it_crashed_now: decision,
    sentence: `${sentence(keeper.name, decision)}${without(decision, features)}${all ? ' The whole system would be restarted in recovery mode.' : ''}`,
    policy: { ...policyText(house, keeper.name), priority: keeper.config.priority },
    restart_budget: budgetView(keeper.config, used(house, keeper, now)),
    slow_loop: { used: worst?.count ?? 0, limit: restart.slow_loop_after },
    attempts: attemptsSoFar(record, restart, now),
    poisoned_checkpoints: [...doubtedOf(house, keeper)],
    dependents: house.roster.dependents(keeper.name).map(({ name }) => name),
    features,
  };
}

/** The restart policy in the words of a configuration file. */
function policyText(house: House, name: string): ExplainView['policy'] {
  const { components } = house.loaded.masked as { components: Record<string, { restart: ExplainView['policy'] }> };
  return components[name]?.restart ?? {};
}

const without = ({ kind }: ExplainView['if_it_crashed_now'], features: readonly string[]): string =>
  kind === 'fail' && features.length > 0 ? ` Off until then: ${features.join(', ')}.` : '';

function sentence(name: string, decision: ExplainView['if_it_crashed_now']): string {
  switch (decision.kind) {
    case 'restart':
      return `${name} would be started again ${decision.delayMs === 0 ? 'at once' : `after ${formatDuration(decision.delayMs)}, give or take its jitter`} (rule ${decision.rule}, attempt ${decision.attempt}).`;
    case 'wait':
      return `${name} would wait${decision.until === null ? '' : ` until ${iso(decision.until)}`}: ${decision.why}.`;
    case 'blame':
      return `${name} would wait until ${decision.dependency} is restarted: ${decision.why}.`;
    case 'stay':
      return `${name} would stay down: ${decision.why}.`;
    case 'fail':
      return `${name} would have failed: ${decision.why}. Only a person or a webhook starts it again.`;
    case 'refuse':
      return `Nothing would be done: ${decision.why}.`;
    default:
      return decision satisfies never;
  }
}
