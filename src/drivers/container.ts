import { z } from 'zod';
import type { EngineVerdict, ProcessUsage } from '../model/index.ts';
import { DEFAULT_DOCKER_HOST } from './docker-address.ts';
import { createDockerClient, messageOf, type DockerAnswer, type DockerClient } from './docker-client.ts';
import type { Driver, EngineHealth, StartPlan } from './driver.ts';
import { createEngineDriver, type Engine, type EngineDeps, type Seen } from './engine.ts';
import { systemBootId } from './proc.ts';
import type { SettingsOf } from './schema.ts';

export interface ContainerDeps extends EngineDeps {
  /** Of which DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH are read. */
  readonly env?: NodeJS.ProcessEnv;
}

const LOG_LINES = 200;
/** Docker has this long to answer once the time to leave is over. */
const AFTER_STOP_MS = 10_000;

/** What is read of `GET /containers/NAME/json`. */
const inspection = z.object({
  Id: z.string().min(1),
  Config: z.object({ Tty: z.boolean() }),
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    Paused: z.boolean(),
    Restarting: z.boolean(),
    OOMKilled: z.boolean(),
    ExitCode: z.number(),
    Error: z.string(),
    StartedAt: z.string(),
    Health: z.object({ Status: z.string(), Log: z.array(z.object({ Output: z.string() })).nullish() }).nullish(),
  }),
});
type Inspection = z.output<typeof inspection>;

const reading = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z.object({ usage: z.number().optional(), stats: z.record(z.string(), z.number()).nullish() }),
  pids_stats: z.object({ current: z.number().optional() }),
});

/** Makes the driver of containers of Docker (or whatever speaks its API: Podman). */
export function createContainerDriver({ env = process.env, ...deps }: ContainerDeps): Driver {
  const clients = new Map<string, DockerClient>();
  const open = (plan: StartPlan): Engine => {
    const settings = plan.engine as SettingsOf<'container'>;
    const host = settings.host ?? (env['DOCKER_HOST'] || DEFAULT_DOCKER_HOST);
    const key = `${host} ${settings.timeout}`;
    const client = clients.get(key) ?? createDockerClient(host, settings.timeout, env);
    clients.set(key, client);
    return see(settings, host, client, deps);
  };
  return createEngineDriver('container', open, deps);
}

function see(
  { name, interval }: SettingsOf<'container'>,
  host: string,
  client: DockerClient,
  { clock }: EngineDeps,
): Engine {
  const place = `/containers/${encodeURIComponent(name)}`;
  let last: Inspection | null = null;
  let cpuBefore: { readonly atMs: number; readonly usedMs: number } | null = null;

  /** @throws what Docker says when the status is none of these. */
  const well =
    (...statuses: number[]) =>
    (answer: DockerAnswer): DockerAnswer => {
      if (!statuses.includes(answer.status)) throw new Error(`Docker: ${messageOf(answer)}`);
      return answer;
    };
  const must = (
    method: 'GET' | 'POST',
    path: string,
    statuses: readonly number[],
    signal?: AbortSignal,
  ): Promise<DockerAnswer> => client.ask(method, `${place}${path}`, { signal }).then(well(...statuses));

  const look = async (signal?: AbortSignal): Promise<Seen> => {
    const answer = await must('GET', '/json', [200, 404], signal);
    last = answer.status === 404 ? null : parsed(inspection, answer);
    if (!last)
      return { is: 'ended', exit: { code: null, signal: null }, verdict: { oomKilled: null, failure: 'removed' } };
    return seenOf(last);
  };

  return {
    name,
    bootId: host.startsWith('unix:') ? systemBootId : null,
    everyMs: interval,
    look,

    /** What Docker was asked for before it was hung up on it may still do; it does one thing after the other. */
    async start(seen, signal) {
      if (seen.is === 'running') return seen;
      if (!last) throw new Error(`Docker has no container named "${name}"`);
      await must('POST', '/start', [204, 304], signal);
      const now = await look(signal);
      if (now.is === 'running') return now;
      throw new Error(`Docker started it, and it ended at once (exit code ${now.exit.code ?? 'unknown'})`);
    },

    /** Docker answers when it has ended: whoever waits for that looks by himself. */
    async stop({ timeout }) {
      const path = `${place}/stop?t=${Math.ceil(timeout / 1_000) + 1}`;
      const asked = client.ask('POST', path, { withinMs: timeout + AFTER_STOP_MS }).then(well(204, 304, 404));
      const patience = new AbortController();
      const late = clock.sleep(timeout, patience.signal).catch(() => undefined);
      asked.catch(() => undefined);
      await Promise.race([asked, late]).finally(() => patience.abort());
    },

    async kill() {
      await must('POST', '/kill', [204, 404, 409]);
    },

    async usage(): Promise<ProcessUsage | null> {
      const stats = parsed(reading, await must('GET', '/stats?stream=false&one-shot=true', [200]));
      const { usage = null, stats: parts } = { usage: stats.memory_stats.usage, stats: stats.memory_stats.stats };
      const now = { atMs: clock.monotonic(), usedMs: stats.cpu_stats.cpu_usage.total_usage / 1e6 };
      const cpuRatio = cpuBefore && (now.usedMs - cpuBefore.usedMs) / Math.max(1, now.atMs - cpuBefore.atMs);
      cpuBefore = now;
      // As `docker stats` counts: what the kernel would give back is not in use.
      const cache = parts?.['inactive_file'] ?? parts?.['total_inactive_file'] ?? 0;
      const residentBytes = usage === null ? null : Math.max(0, usage - cache);
      return { cpuRatio, residentBytes, openFds: null, processes: stats.pids_stats.current ?? 0 };
    },

    async readOutput() {
      if (!last) return { stdout: '', stderr: '' };
      const since = Math.floor(Date.parse(last.State.StartedAt) / 1_000);
      const { body } = await must('GET', `/logs?stdout=1&stderr=1&tail=${LOG_LINES}&since=${since}`, [200]);
      return last.Config.Tty ? { stdout: body.toString(), stderr: '' } : streamsOf(body);
    },

    listen(look) {
      let stopped = false;
      let giveUp = () => {};
      const again = (): void => {
        giveUp = client.await(`${place}/wait?condition=not-running`, (ok) => {
          if (stopped) return;
          if (ok) return look();
          // It went away: the looks at intervals say so. Meanwhile it is not asked more often than they are.
          giveUp = clock.after(interval, again);
        });
      };
      again();
      return () => {
        stopped = true;
        giveUp();
      };
    },
  };
}

/** @throws a sentence when it is something else. */
function parsed<T>(schema: z.ZodType<T>, { body }: DockerAnswer): T {
  try {
    return schema.parse(JSON.parse(body.toString()));
  } catch (error) {
    throw new Error('the answer of Docker cannot be read', { cause: error });
  }
}

function seenOf({ Id, State }: Inspection): Seen {
  // Between two runs of its own restart policy nothing runs.
  if (State.Running && !State.Restarting)
    return { is: 'running', run: `${Id.slice(0, 12)}@${State.StartedAt}`, process: null, health: healthOf(State) };
  const neverRan = State.Status === 'created';
  const exit = { code: neverRan ? null : State.ExitCode, signal: null };
  return { is: 'ended', exit, verdict: verdictOf(State), isPending: neverRan || State.Restarting };
}

const verdictOf = ({ OOMKilled, Error: said }: Inspection['State']): EngineVerdict => ({
  oomKilled: OOMKilled,
  failure: said === '' ? null : 'start_error',
});

/** Its HEALTHCHECK, where it has one. */
function healthOf({ Paused, Health }: Inspection['State']): EngineHealth {
  if (Paused) return { status: 'unhealthy', message: 'it is paused' };
  const said = Health?.Log?.at(-1)?.Output.trim().split('\n')[0] ?? '';
  switch (Health?.Status ?? 'none') {
    case 'unhealthy':
      return { status: 'unhealthy', message: said || 'its HEALTHCHECK fails' };
    case 'starting':
      return { status: 'unknown', message: 'its HEALTHCHECK has not passed yet' };
    case 'healthy':
      return { status: 'healthy', message: said || 'its HEALTHCHECK passes' };
    default:
      return { status: 'healthy', message: 'it runs; it has no HEALTHCHECK' };
  }
}

/** Frames of eight bytes (stream, three of nothing, length) and their text. */
function streamsOf(frames: Buffer): { stdout: string; stderr: string } {
  const parts: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    parts[frames[at] === 2 ? 'stderr' : 'stdout'].push(frames.subarray(at + 8, end));
    at = end;
  }
  return { stdout: Buffer.concat(parts.stdout).toString(), stderr: Buffer.concat(parts.stderr).toString() };
}
