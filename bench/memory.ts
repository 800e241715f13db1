import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Daemon } from './daemon.ts';
import { memoryOf, record, round, sleep, victim } from './harness.ts';
import { Pm2 } from './pm2.ts';

/*
 * What a supervisor that waits takes from its machine: memory of the daemon (its threads included, its children not)
 * with 1 and with 50 sleeping C programs. Beside PM2 on the same Node; ours also with an OTLP endpoint that accepts
 * everything. Usage: node bench/memory.ts
 */
const SETTLE_MS = 20_000;
const FEW = 1;
const MANY = 50;
const program = victim();

const collector = createServer((request, response) => request.resume().once('end', () => response.end()));
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

const components = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`victim-${index}`, { command: [program, 'victim.starts'] }]),
  );

async function ours<T>(config: Record<string, unknown>, look: (pid: number) => Promise<T> | T): Promise<T> {
  const daemon = new Daemon(config);
  try {
    await daemon.start();
    await daemon.allRunning();
    await sleep(SETTLE_MS);
    return await look(daemon.pid);
  } finally {
    await daemon.remove();
  }
}

async function theirs<T>(count: number, look: (pid: number) => Promise<T> | T): Promise<T> {
  const pm2 = new Pm2();
  try {
    await pm2.start(program, count);
    await sleep(SETTLE_MS);
    return await look(pm2.pid);
  } finally {
    pm2.remove();
  }
}

const otlp = { telemetry: { otlp: { endpoint } } };
const memory = {
  pm2_1: await theirs(FEW, memoryOf),
  paramedic_1: await ours({ components: components(FEW) }, memoryOf),
  paramedic_otlp_1: await ours({ components: components(FEW), ...otlp }, memoryOf),
  pm2_50: await theirs(MANY, memoryOf),
  paramedic_50: await ours({ components: components(MANY) }, memoryOf),
  paramedic_otlp_50: await ours({ components: components(MANY), ...otlp }, memoryOf),
};

collector.close();

const ratio = (one: keyof typeof memory, other: keyof typeof memory) =>
  round(memory[one].rss_mib / memory[other].rss_mib, 2);
const perChild = (few: keyof typeof memory, many: keyof typeof memory) =>
  round((memory[many].rss_mib - memory[few].rss_mib) / (MANY - FEW), 3);
const ratios = {
  ratio_to_pm2_1: ratio('paramedic_1', 'pm2_1'),
  ratio_to_pm2_50: ratio('paramedic_50', 'pm2_50'),
  ratio_to_pm2_otlp_1: ratio('paramedic_otlp_1', 'pm2_1'),
  ratio_to_pm2_otlp_50: ratio('paramedic_otlp_50', 'pm2_50'),
};
const mib_per_child = { pm2: perChild('pm2_1', 'pm2_50'), paramedic: perChild('paramedic_1', 'paramedic_50') };
record('memory', { ...memory, ...ratios, mib_per_child });
const within =
  Math.max(ratios.ratio_to_pm2_1, ratios.ratio_to_pm2_50) <= 1.25 &&
  Math.max(ratios.ratio_to_pm2_otlp_1, ratios.ratio_to_pm2_otlp_50) <= 1.5 &&
  mib_per_child.paramedic <= 0.2;
if (!within) process.exitCode = 1;
