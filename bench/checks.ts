import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { memoryOf, record, round, sleep, spread, starts, until, victim } from './harness.ts';

/*
 * 10,000 checks every 5 s on one core: 8,000 heartbeats, 1,500 tcp, 500 http over 100 components, whose heartbeats are
 * sent for them. How late the checks begin (the daemon's own histogram, and for http what the server sees), whether
 * two runs of one check overlap although some answers take longer than the interval, memory in the last fifth against
 * the second, and the daemon's other duties beside the same daemon with the same checks once a day: from SIGKILL of a
 * victim to the first instruction of its successor, and the time that a scrape takes.
 * Usage: node bench/checks.ts [SECONDS=300]; needs taskset.
 */
const SECONDS = Number(process.argv[2] ?? 300);
const COMPONENTS = 100;
const EACH = { heartbeat: 80, tcp: 15, http: 5 };
const INTERVAL_MS = 5_000;
const SLOW_MS = 7_000;
/** Every so manieth page answers slower than its interval. */
const SLOW_ONE_OF = 25;
const KILLS = 30;
const SCRAPES = 15;
const WARM_MS = 20_000;

const program = victim();
const gaps: number[] = [];
let overlaps = 0;
const open = new Map<string, number>();
const lastAt = new Map<string, number>();

const web = createServer((request, response) => {
  const path = request.url ?? '';
  const now = performance.now();
  const before = lastAt.get(path);
  const slow = Number(path.slice(path.lastIndexOf('/') + 1)) % SLOW_ONE_OF === 0;
  if (before !== undefined && !slow) gaps.push(now - before);
  lastAt.set(path, now);
  const running = (open.get(path) ?? 0) + 1;
  open.set(path, running);
  if (running > 1) overlaps++;
  response.once('close', () => open.set(path, (open.get(path) ?? 1) - 1));
  if (slow) setTimeout(() => response.end('ok'), SLOW_MS);
  else response.end('ok');
});
let connections = 0;
const tcp = createTcpServer((socket) => {
  connections++;
  socket.on('error', () => {}).resume();
});
const listen = async (server: typeof web | typeof tcp) => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', 4_096, resolve));
  return (server.address() as AddressInfo).port;
};
const [webPort, tcpPort] = [await listen(web), await listen(tcp)];

const many = (count: number, of: (index: number) => object) => Array.from({ length: count }, (_, index) => of(index));
function checks(component: number, interval: string): Record<string, object> {
  const list = [
    ...many(EACH.heartbeat, () => ({ heartbeat: { timeout: '60s' } })),
    ...many(EACH.tcp, () => ({ tcp: { port: tcpPort } })),
    ...many(EACH.http, (index) => ({
      http: { url: `http://127.0.0.1:${webPort}/${component * EACH.http + index}` },
      timeout: '30s',
    })),
  ];
  return Object.fromEntries(list.map((check, index) => [`c${index}`, { ...check, interval }]));
}

function config(interval: string) {
  const sleepers = many(COMPONENTS, (index) => ({ command: [program, 'starts'], checks: checks(index, interval) }));
  const restart = { policy: 'immediate', max_restarts: 1_000_000 };
  return {
    restart: { max_restarts_per_hour: 1_000_000 },
    components: {
      victim: { command: [program, 'victim.starts'], priority: 'critical', restart },
      ...Object.fromEntries(sleepers.map((component, index) => [`c${index}`, component])),
    },
  };
}

/** Sends the heartbeats of all components, each in its own name, every 5 s. @returns how to stop. */
function beat(daemon: Daemon): () => void {
  const known = new Map<number, { url: string; token: string }>();
  let stopped = false;
  const one = async (pid: number): Promise<void> => {
    if (!known.has(pid)) {
      const environ = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const of = (name: string) => environ.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
      known.set(pid, { url: of('PARAMEDIC_URL'), token: of('PARAMEDIC_TOKEN') });
    }
    const { url, token } = known.get(pid) ?? { url: '', token: '' };
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    await fetch(`${url}/component/v1/heartbeat`, { method: 'POST', headers, body: '{}' });
  };
  const send = async (): Promise<void> => {
    for (const pid of daemon.carriers()) {
      if (stopped) return;
      // The victim's lives are short.
      await one(pid).catch(() => undefined);
      await sleep(INTERVAL_MS / COMPONENTS / 2);
    }
    if (!stopped) setTimeout(() => void send(), INTERVAL_MS / 2);
  };
  void send();
  return () => (stopped = true);
}

async function restartsMs(daemon: Daemon): Promise<number[]> {
  const log = join(daemon.home, 'victim.starts');
  const all: number[] = [];
  for (let round = 0; round < KILLS; round++) {
    const before = starts(log);
    const pid = before.at(-1)?.pid ?? 0;
    // Spread over the second, so that no rhythm of the daemon is met.
    await sleep(400 + Math.random() * 400);
    const killedAt = process.hrtime.bigint();
    if (pid > 0) process.kill(pid, 'SIGKILL');
    const next = await until('the next life', () => starts(log)[before.length]);
    all.push(Number(next.at - killedAt) / 1e6);
  }
  return all;
}

async function scrapesMs(daemon: Daemon): Promise<number[]> {
  const all: number[] = [];
  for (let round = 0; round < SCRAPES; round++) {
    await sleep(300 + Math.random() * 400);
    const started = performance.now();
    await daemon.metrics();
    all.push(performance.now() - started);
  }
  return all;
}

const LATENESS = /^paramedic_health_check_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)/gm;
const lateness = async (daemon: Daemon) =>
  new Map([...(await daemon.metrics()).matchAll(LATENESS)].map(([, le, count]) => [le ?? '', Number(count)]));
const runs = async (daemon: Daemon) =>
  [...(await daemon.metrics()).matchAll(/^paramedic_events_total\{event="check.completed"\} (\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );

async function on<T>(interval: string, look: (daemon: Daemon) => Promise<T>): Promise<T> {
  const daemon = new Daemon(config(interval));
  let stop = () => {};
  try {
    await daemon.start();
    execFileSync('taskset', ['-a', '-p', '-c', '0', String(daemon.pid)], { stdio: 'ignore' });
    stop = beat(daemon);
    await daemon.allRunning(2_000);
    await sleep(WARM_MS);
    return await look(daemon);
  } finally {
    stop();
    await daemon.remove();
  }
}

const duties = async (daemon: Daemon) => ({
  restart_ms: spread(await restartsMs(daemon)),
  scrape_ms: spread(await scrapesMs(daemon)),
});

execFileSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)], { stdio: 'ignore' });
const idle = await on('1d', duties);
const busy = await on('5s', async (daemon) => {
  gaps.length = 0;
  overlaps = 0;
  connections = 0;
  const [late, count, cpu, began] = [
    await lateness(daemon),
    await runs(daemon),
    daemon.cpuSeconds(),
    performance.now(),
  ];
  const resident: number[] = [];
  const watching = setInterval(() => resident.push(memoryOf(daemon.pid).rss_mib), 1_000);
  const found = duties(daemon);
  await Promise.all([found, sleep(SECONDS * 1_000)]);
  clearInterval(watching);
  const seconds = (performance.now() - began) / 1_000;
  const [after, total] = [await lateness(daemon), (await runs(daemon)) - count];
  const within = (le: string) => (after.get(le) ?? 0) - (late.get(le) ?? 0);
  const fifth = Math.floor(resident.length / 5);
  const mean = (from: number) =>
    round(resident.slice(from, from + fifth).reduce((sum, mib) => sum + mib, 0) / Math.max(1, fifth), 1);
  return {
    ...(await found),
    seconds: round(seconds, 0),
    runs_per_second: round(total / seconds, 0),
    connections_per_second: round(connections / seconds, 0),
    cpu_percent: round(((daemon.cpuSeconds() - cpu) / seconds) * 100, 1),
    percent_later_than_50_ms: round(100 - (within('0.05') / within('+Inf')) * 100, 2),
    percent_later_than_250_ms: round(100 - (within('0.25') / within('+Inf')) * 100, 3),
    gaps_of_http_ms: spread(gaps),
    overlaps,
    resident_mib: { second_fifth: mean(fifth), last_fifth: mean(resident.length - fifth) },
  };
});
web.closeAllConnections();
web.close();
tcp.close();

const ratios = {
  restart_median: round(busy.restart_ms.median / idle.restart_ms.median, 2),
  scrape_median: round(busy.scrape_ms.median / idle.scrape_ms.median, 2),
};
const growth = busy.resident_mib.last_fifth / busy.resident_mib.second_fifth;
record('checks', { idle, busy, ratios_to_idle: ratios });
const within =
  busy.percent_later_than_250_ms <= 1 &&
  busy.overlaps === 0 &&
  growth <= 1.05 &&
  Math.max(ratios.restart_median, ratios.scrape_median) <= 1.5;
if (!within) process.exitCode = 1;
process.exit();
