import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { cpuSecondsOf, end, folder, record, ROOT, round, run, sleep, victim } from './harness.ts';
import { Pm2 } from './pm2.ts';

/*
 * CPU of one core that a supervisor takes while nothing happens: 50 sleeping C programs, without checks and with one
 * check each every 5 s. Beside PM2 (which has no checks), a bare Node loop, and a bare Node program that opens as many
 * connections as the TCP checks do. All side by side, counted by the CPU time that the system has given them.
 * Usage: node bench/idle-cpu.ts [SECONDS]
 */
const SECONDS = Number(process.argv[2] ?? 60);
/** Long enough for what a start leaves to be done: memory given back, first rounds of every check. */
const SETTLE_MS = 30_000;
const CHILDREN = 50;
const MOST_PERCENT = 0.5;
const program = victim();

const server = createServer((socket) => socket.on('error', () => undefined).end());
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

async function percentOf(pid: number): Promise<number> {
  await sleep(SETTLE_MS);
  const before = cpuSecondsOf(pid);
  await sleep(SECONDS * 1_000);
  return round(((cpuSecondsOf(pid) - before) / SECONDS) * 100, 2);
}

async function ours(probe: object | null): Promise<number> {
  const checks = probe && { alive: { ...probe, interval: '5s' } };
  const component = { command: [program, 'victim.starts'], ...(checks && { checks }) };
  const names = Array.from({ length: CHILDREN }, (_, index) => `victim-${index}`);
  const daemon = new Daemon({ components: Object.fromEntries(names.map((name) => [name, component])) });
  try {
    await daemon.start();
    await daemon.allRunning();
    return await percentOf(daemon.pid);
  } finally {
    await daemon.remove();
  }
}

async function pm2(): Promise<number> {
  const god = new Pm2();
  try {
    await god.start(program, CHILDREN);
    return await percentOf(god.pid);
  } finally {
    god.remove();
  }
}

async function bare(script: string, ...args: string[]): Promise<number> {
  const home = folder();
  const env = { ...process.env, COPIES: String(CHILDREN) };
  const child = run([process.execPath, join(ROOT, 'bench', script), ...args], { cwd: home.path, env });
  try {
    return await percentOf(child.pid ?? 0);
  } finally {
    await end(child);
    home.remove();
  }
}

const [bare_loop, bare_tcp_checks, theirs, no_checks, process_checks, tcp_checks] = await Promise.all([
  bare('bare-loop.ts', program, 'victim.starts'),
  bare('bare-checks.ts', String(port)),
  pm2(),
  ours(null),
  ours({ process: {} }),
  ours({ tcp: { host: '127.0.0.1', port } }),
]);
server.close();

record('idle-cpu', {
  unit: 'percent of one core',
  children: CHILDREN,
  seconds: SECONDS,
  bare_loop,
  bare_tcp_checks,
  pm2: theirs,
  paramedic: { no_checks, process_checks, tcp_checks },
});
if (Math.max(process_checks, tcp_checks) > MOST_PERCENT) process.exitCode = 1;
