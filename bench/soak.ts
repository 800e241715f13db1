import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon, restartsByAlert } from './daemon.ts';
import { memoryOf, record, ROOT, round, sleep, victim } from './harness.ts';

/*
 * A bad day in ten minutes: children that are killed and frozen at random, reloads that add and remove one, alerts that
 * ask for restarts, people who look at everything. The second half must be as the first has left it: memory, heap,
 * descriptors and handles of the daemon, the bytes that an event takes on disk, and the state database.
 * Usage: node bench/soak.ts [SECONDS=600]
 */
const SECONDS = Number(process.argv[2] ?? 600);
const SAMPLES = 60;
const VICTIMS = 8;
const AGENTS = 2;
const program = victim();

/** Keeps a number in its state and gives signs of life: frozen, it is found out and replaced. */
const agent = `
  import { connect } from ${JSON.stringify(join(ROOT, 'dist', 'client', 'index.js'))};
  const paramedic = connect();
  const { state } = await paramedic.restore();
  let beats = state?.beats ?? 0;
  paramedic.startHeartbeat({ intervalMs: 250 });
  setInterval(() => void paramedic.saveState({ beats: ++beats }).catch(() => {}), 500);
`;
const restart = { policy: 'immediate', max_restarts: 1_000_000 };
const named = (name: string, count: number, component: object) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}-${index}`, component]));
const guest = { command: [program, '/dev/null'], restart };
const config = (withGuest: boolean) => ({
  restart: { max_restarts_per_hour: 1_000_000 },
  components: {
    ...named('victim', VICTIMS, { ...guest, priority: 'critical', checks: { lives: { process: {}, interval: '1s' } } }),
    ...named('agent', AGENTS, {
      command: [process.execPath, '--input-type=module', '-e', agent],
      priority: 'critical',
      restart,
      state: { retention: { keep: 3, max_age: '10s' } },
      checks: { beats: { heartbeat: { timeout: '2s' }, interval: '500ms', failure_threshold: 1 } },
    }),
    ...(withGuest ? { guest } : {}),
  },
  remediation: restartsByAlert,
});

const daemon = new Daemon(config(false));
const counts: Record<string, number> = {};
let guestIsThere = false;

const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)];

async function signal(kind: string, what: NodeJS.Signals): Promise<void> {
  const running = (await daemon.components()).filter((one) => one.name.startsWith(kind) && one.state === 'running');
  const pid = pick(running)?.pid;
  if (pid) process.kill(pid, what);
}

const faults: Readonly<Record<string, () => Promise<unknown>>> = {
  kill: () => signal('victim', 'SIGKILL'),
  kill_agent: () => signal('agent', 'SIGKILL'),
  freeze_agent: () => signal('agent', 'SIGSTOP'),
  async reload() {
    guestIsThere = !guestIsThere;
    writeFileSync(
      join(daemon.home, 'paramedic.yaml'),
      JSON.stringify({ listen: '127.0.0.1:0', ...config(guestIsThere) }),
    );
    await daemon.post('api/v1/reload', 'api', {});
  },
  look: () =>
    Promise.all(
      ['status', 'health', 'components', 'incidents', 'crashes', 'config', 'events?follow=false&limit=200'].map(
        (path) => daemon.get(path),
      ),
    ),
  // As one that began after all that was healed so far, so that it asks for a restart whatever its component does.
  alert: () => daemon.alert(`victim-${Math.floor(Math.random() * VICTIMS)}`, new Date(Date.now() + 120_000)),
};
const wheel = ['kill', 'kill', 'kill', 'kill_agent', 'freeze_agent', 'reload', 'look', 'look', 'alert', 'alert'];

interface Sample {
  readonly heap: number;
  readonly rss: number;
  readonly fds: number;
  readonly handles: number;
  /** Bytes of events.db and its WAL for each event ever stored. */
  readonly per_event: number;
  /** What state.db holds, in MiB. */
  readonly state_db: number;
}

async function sample(): Promise<Sample> {
  const [metrics, [newest]] = await Promise.all([daemon.metrics(), daemon.events(1)]);
  const value = (name: string) =>
    [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (sum, [, v]) => sum + Number(v),
      0,
    );
  return {
    heap: value('nodejs_heap_size_used_bytes') / 2 ** 20,
    rss: memoryOf(daemon.pid).rss_mib,
    fds: readdirSync(`/proc/${daemon.pid}/fd`).length,
    handles: value('nodejs_active_handles') + value('nodejs_active_resources'),
    per_event: daemon.bytesOf('events.db') / (newest?.seq ?? 1),
    state_db: daemon.contentsOf('state.db') / 2 ** 20,
  };
}

const samples: Sample[] = [];
try {
  await daemon.start();
  await daemon.allRunning();
  const begun = performance.now();
  let sampled = 0;
  while (performance.now() - begun < SECONDS * 1_000) {
    const name = pick(wheel) ?? 'look';
    counts[name] = (counts[name] ?? 0) + 1;
    await faults[name]?.();
    await sleep(100 + Math.random() * 400);
    if (performance.now() - begun < (sampled * SECONDS * 1_000) / SAMPLES) continue;
    samples.push(await sample());
    sampled++;
  }
  const healed = await Promise.race([daemon.allRunning().then(() => true), sleep(15_000).then(() => false)]);

  /** The low points of the third and of the last quarter: what is left when the garbage is out. */
  const low = (from: number, to: number, of: keyof Sample) =>
    Math.min(...samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to)).map((one) => one[of]));
  const allowed: Record<keyof Sample, number> = {
    heap: 1.5,
    rss: 4,
    fds: 4,
    handles: 4,
    per_event: 100,
    state_db: 0.5,
  };
  const drift = Object.fromEntries(
    Object.entries(allowed).map(([name, most]) => {
      const of = name as keyof Sample;
      const [third, last] = [low(0.5, 0.75, of), low(0.75, 1, of)];
      return [name, { third: round(third, 1), last: round(last, 1), allowed: most, flat: last - third <= most }];
    }),
  );
  record(SECONDS >= 600 ? 'soak' : 'soak-short', { seconds: SECONDS, asked: counts, healed, drift });
  if (!healed || Object.values(drift).some(({ flat }) => !flat)) process.exitCode = 1;
} finally {
  await daemon.remove();
}
