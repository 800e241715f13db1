import { onTestFinished } from 'vitest';
import { agentCrashRecovery } from '../../src/chaos/experiments/agent-crash-recovery.ts';
import type { Experiments, Finished } from '../../src/chaos/index.ts';
import { createBreakers } from '../../src/breakers/index.ts';
import { createDegradation } from '../../src/degradation/index.ts';
import { breakerSchema } from '../../src/breakers/schema.ts';
import { jsonBytes } from '../../src/checkpoints/bytes.ts';
import type { StateStore } from '../../src/checkpoints/state-store.ts';
import { failure } from '../../src/errors.ts';
import { createHttp, type HttpDeps } from '../../src/http/index.ts';
import { componentName, type ComponentName, type Listener, type RecoveryEvent } from '../../src/model/index.ts';
import type { ComponentView, Daemon, EventView, HealthView } from '../../src/supervisor/api.ts';
import { createCommands } from '../../src/supervisor/commands.ts';
import { samples } from '../telemetry/events.ts';
import { calmHouse } from '../support/calm-house.ts';
import { FakeClock } from '../support/fake-clock.ts';

export const API = 'a'.repeat(64);
export const WEBHOOK = 'c'.repeat(64);
export const OLD_WEBHOOK = 'd'.repeat(64);
export const METRICS = 'b'.repeat(64);
export const CURRENT = 'token-of-the-current-incarnation';
export const STALE = 'token-of-an-older-incarnation';

const INCIDENT = { incident_id: 'd'.repeat(32), state: 'open' };
const agent = { name: 'agent_core', state: 'running', health: 'healthy' } as ComponentView;

const finished = { ...samples['experiment.finished'], rpoMs: 1_500 } as Finished;

/** Stands in for the daemon at HTTP's port: remembers what it was asked, answers what it is told to. */
export class StandIn implements Daemon {
  readonly calls: unknown[][] = [];
  readonly stored: EventView[] = [];
  readonly answers: Parameters<Daemon['remediation']['answered']>[0][] = [];
  refuseToStore: (() => never) | undefined;
  readonly listeners = new Set<Listener>();
  isReady = true;
  healthStatus: HealthView['status'] = 'healthy';
  currentToken = CURRENT;
  /** What the next call of `act`, `reload`, `heartbeat` … does instead. */
  instead: (() => Promise<never>) | undefined;

  readonly clock = new FakeClock();
  /** A component that has died has its signal here aborted. */
  readonly life = new AbortController();
  readonly breakerClock = new FakeClock();
  /** What the breakers have stated. */
  readonly breakerEvents: RecoveryEvent[] = [];
  readonly breakers = createBreakers({
    clock: this.breakerClock,
    emit: (...events) => void this.breakerEvents.push(...events),
    past: [],
    mask: (text) => text,
    firstEpoch: () => 7,
  });

  readonly #degradation = createDegradation({
    clock: new FakeClock(),
    emit: () => {},
    ...calmHouse,
  });
  degradation = () => this.#degradation.status();

  constructor() {
    this.#degradation.configure({
      components: { agent_core: { enabled: true, priority: 'low', features: ['planning'] } },
    });
    this.#degradation.pin('reduced', 'manual', 60_000);
    this.breakers.configure({ gpt_api: breakerSchema.parse({}) });
  }

  ping(token: string, told: unknown): boolean {
    this.#note('ping', token, told);
    return token === 'nobody-can-guess-me';
  }

  readonly state = {
    putState: async (component: string, body: readonly Uint8Array[], ...more: string[]) => {
      const given = more.filter((each) => each !== undefined);
      this.#note('putState', component, Buffer.concat(body).toString(), ...given);
      return { checkpoint_id: 'CP-20261123-224610-1A2B3C4D' };
    },
    patchState: async (...call: [string, readonly Uint8Array[], string]) => {
      this.#note('patchState', call[0], Buffer.concat(call[1]).toString(), call[2]);
      return { checkpoint_id: 'CP-20261123-224610-1A2B3C4D' };
    },
    appendJournal: async (component: string, body: readonly Uint8Array[]) => {
      this.#note('appendJournal', component, Buffer.concat(body).toString());
      return { entry_id: 7 };
    },
    read: async (id: string) => {
      this.#note('read', id);
      if (id !== 'CP-20261123-224610-1A2B3C4D') throw failure('CHECKPOINT_NOT_FOUND', { checkpoint: id });
      return { checkpoint_id: id, at: 0, state: { tasks: 3 } };
    },
    manifests: async () => [],
    strayFiles: async () => [],
    resume: { list: async () => [{ component: componentName('agent_core'), checkpoint_id: null, at: 0 }] },
    manifest: async (id: string) => ({ manifest_id: id, at: 0, parts: [] }),
    verify: async () => ({
      checked: 4,
      corrupted: [{ checkpoint_id: 'CP-X', at: 0 }],
      manifests: { checked: 1, corrupted: [{ manifest_id: 'MAN-X', at: 0 }] },
      integrity: 'ok',
    }),
  } as unknown as StateStore;
  readonly commands = createCommands({
    clock: this.clock,
    putState: this.state.putState,
    lifeOf: () => this.life.signal,
  });

  readonly experiments: Experiments = {
    list: () => [
      { experiment: agentCrashRecovery, active: true, lastRun: null },
      { experiment: { ...agentCrashRecovery, kind: 'another' }, active: false, lastRun: finished },
    ],
    run: async (name, options) => {
      this.#note('experiments.run', name, options);
      await this.instead?.();
      return finished;
    },
  };

  #note(...call: unknown[]): void {
    this.calls.push(call);
  }

  #find(name: string): ComponentView {
    if (name !== 'agent_core') throw failure('COMPONENT_NOT_FOUND', { component: name });
    return agent;
  }

  readonly incidents = {
    list: (filter: unknown) => {
      this.#note('incidents', filter);
      return [];
    },
    show: (id: string) => {
      if (id !== INCIDENT.incident_id) throw failure('INCIDENT_NOT_FOUND', { incident: id });
      return { view: INCIDENT, timeline: [] };
    },
    acknowledge: (id: string) => {
      this.#note('acknowledge', id);
      return { ...INCIDENT, state: 'acknowledged' as const };
    },
    resolve: () => INCIDENT,
  } as unknown as Daemon['incidents'];

  readonly remediation: Daemon['remediation'] = {
    receive: (delivery) => {
      this.#note('receive', delivery);
      this.refuseToStore?.();
      return delivery.alerts.map(() => ({ disposition: 'accepted', decision: 'execute', why: '', remediation: null }));
    },
    answered: (facts) => void this.answers.push(facts),
    list: () => [],
  };

  status = () => ({ version: '0.1.0', components: [agent] }) as unknown as ReturnType<Daemon['status']>;
  components = () => [agent];
  component = (name: string) => this.#find(name);
  explain = (name: string) =>
    ({ component: this.#find(name).name, sentence: 'It would be restarted.' }) as ReturnType<Daemon['explain']>;
  health = (): HealthView => ({
    status: this.healthStatus,
    summary: { healthy: 1, degraded: 0, unhealthy: 0, critical: 0, unknown: 0 },
    components: {
      agent_core: { status: 'healthy', checks: [] },
      gmail: {
        status: 'unhealthy',
        checks: [
          { name: 'api', status: 'unhealthy', message: 'no answer' } as HealthView['components'][string]['checks'][0],
        ],
      },
    },
  });
  ready = () => this.isReady;
  crashes = (filter: { component?: string; limit: number }) => {
    this.#note('crashes', filter);
    return [];
  };
  crashReport = async (id: string) => {
    this.#note('crashReport', id);
    return id === 'CRASH-20261123-224610-1A2B3C4D' ? { crash_id: id } : undefined;
  };
  checkpoints = async (component: string | undefined, limit: number) => {
    this.#note('checkpoints', component, limit);
    return [{ checkpoint_id: 'CP-20261123-224610-1A2B3C4D', at: 0 }] as unknown as ReturnType<Daemon['checkpoints']>;
  };
  act = async (action: string, parameters: unknown, by: string) => {
    this.#note('act', action, parameters, by);
    await this.instead?.();
    return { action, message: 'done' };
  };
  eventsAfter = (seq: number, limit: number) =>
    this.stored.filter((event) => event.seq !== null && event.seq > seq).slice(0, limit);
  newestEvents = (limit: number) => this.stored.slice(-limit);
  lastSeq = () => this.stored.at(-1)?.seq ?? 0;
  subscribe = (listener: Listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  view = (event: RecoveryEvent, seq: number | null): EventView => ({ ...event, at: 'now', seq });
  logFiles = (name: string) => ({ stdout: `/logs/${this.#find(name).name}/stdout.log`, stderr: '/logs/stderr.log' });
  config = () => ({ listen: '127.0.0.1:9477' });
  reload = async () => {
    this.#note('reload');
    await this.instead?.();
    return { added: ['gmail'], removed: [], changed: [], daemon_restart_needed: [] };
  };
  metrics = async (format: 'openmetrics' | 'classic') => ({
    contentType: format === 'classic' ? 'text/plain; version=0.0.4' : 'application/openmetrics-text; version=1.0.0',
    body: `# ${format}\n`,
  });
  requestStop = (options: { keepComponents: boolean }) => this.#note('requestStop', options);
  authenticate = (token: string) =>
    [CURRENT, STALE].includes(token)
      ? { component: componentName('agent_core'), incarnation: token, current: token === this.currentToken }
      : undefined;
  heartbeat = (component: string, body: unknown) => this.#note('heartbeat', component, body);
  outcomes = (component: string, list: unknown) => this.#note('outcomes', component, list);
  speaksFor = (component: string, other: string): other is ComponentName =>
    other === component || other === 'soul_engine';
  testify = (component: string, told: unknown) => this.#note('testify', component, told);
  async pruneCheckpoints() {
    return 3;
  }
  recoveries(limit: number) {
    const point = {
      component: 'agent_core',
      checkpoint_id: 'CP-1',
      estimated_data_loss_seconds: 2,
      how: 'restart',
      why: null,
    };
    const recovery = {
      recovery_id: 'REC-1',
      at: '2026-11-23T12:00:00.000Z',
      mode: 'full',
      by: 'person',
      outcome: 'success',
      manifest_id: null,
    };
    return [{ ...recovery, points: [point] }].slice(0, limit);
  }
  restore = async (component: string) => {
    this.#note('restore', component);
    return {
      checkpoint_id: null,
      state: jsonBytes(null),
      schema_version: 1,
      journal: jsonBytes([]),
      entries: 0,
      through: null,
      data_loss_seconds: 0,
      lost_checkpoints: 0,
      lost_entries: [],
      source: 'none' as const,
    };
  };

  /** Stores and tells an event, as the bus does; `keep` false: it is only told. */
  emit(fields: Record<string, unknown> = {}, keep = true): void {
    const event = { type: 'component.crashed', component: 'agent_core', ...fields } as unknown as RecoveryEvent;
    const seq = keep ? this.lastSeq() + 1 : null;
    if (keep) this.stored.push(this.view(event, seq));
    for (const listener of this.listeners) listener(event, seq);
  }
}

/** A listener on a free port of 127.0.0.1 in front of a stand-in, closed when the test ends. */
export async function serve(options: Partial<HttpDeps> & { daemon?: StandIn } = {}) {
  const daemon = options.daemon ?? new StandIn();
  const { clock } = daemon;
  const errors: unknown[] = [];
  const http = createHttp({
    tokens: { api: API, metrics: METRICS, webhooks: [WEBHOOK, OLD_WEBHOOK] },
    listen: { host: '127.0.0.1', port: 0 },
    clock,
    onError: (error, where) => errors.push([where, error]),
    graceMs: 200,
    ...options,
    daemon,
  });
  onTestFinished(() => http.close());
  const { url, port } = await http.listen();
  /** Asks with the API token, unless `init` brings headers of its own. */
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(url + path, { headers: { authorization: `Bearer ${API}` }, ...init });
  const post = (path: string, body?: unknown, token = API) =>
    ask(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return { daemon, clock, errors, http, url, port, ask, post };
}
