import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { end, folder, record, ROOT, sleep, spread, until } from './harness.ts';

/*
 * A program that floods its stdout: into files of ours, beside the same program into a plain file. How fast it is, what
 * the disk holds, what it costs the daemon, and whether the daemon still answers.
 */

const SECONDS = Number(process.argv[2] ?? 20);
const MAX_SIZE = 10 * 2 ** 20;
const KEEP = 5;
const SAMPLE_EVERY_MS = 5;
const MIB = 2 ** 20;

function program(): string {
  const path = join(ROOT, 'bench', '.work', 'flood');
  mkdirSync(join(path, '..'), { recursive: true });
  execFileSync('gcc', ['-O2', '-o', path, join(ROOT, 'bench', 'flood.c')]);
  return path;
}

/** What the child says: MB/s, and its longest single write in ms. */
const said = (file: string) => {
  if (!existsSync(file)) return undefined;
  const [bytes = 0, seconds = 1, longest = 0] = readFileSync(file, 'utf8').split(' ').map(Number);
  return (
    readFileSync(file, 'utf8').endsWith('\n') && {
      mb_per_second: Math.round(bytes / seconds / 1e6),
      longest_write_ms: longest,
    }
  );
};
const ended = (file: string) => until('its end', () => said(file), (SECONDS + 60) * 1_000, 100);

async function plainFile(flood: string, rate: number) {
  const place = folder();
  const result = join(place.path, 'result');
  const out = openSync(join(place.path, 'out'), 'a');
  const child = spawn(flood, [String(SECONDS), String(rate), result], { stdio: ['ignore', out, 'inherit'] });
  const figures = await ended(result);
  await end(child, 'SIGKILL');
  closeSync(out);
  place.remove();
  return figures;
}

/** Bytes of all files of a folder, by name and as the disk counts them. */
function bytesIn(path: string): number {
  return readdirSync(path).reduce(
    (sum, name) => sum + (statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

async function ours(flood: string, rate: number, gzip: boolean) {
  const result = join(ROOT, 'bench', '.work', 'flood.result');
  rmSync(result, { force: true });
  const daemon = new Daemon({
    components: {
      flood: {
        command: [flood, String(SECONDS), String(rate), result],
        restart: { policy: 'no_restart' },
        logs: { max_size: MAX_SIZE, keep: KEEP, gzip },
      },
    },
  });
  await daemon.start();
  const logs = join(daemon.stateDir, 'logs', 'flood');
  const cpu = daemon.cpuSeconds();
  const sizes: number[] = [];
  const answers: number[] = [];
  let done = false;
  const ask = async () => {
    while (!done) {
      const begun = performance.now();
      await daemon.get('components');
      answers.push(performance.now() - begun);
      await sleep(50);
    }
  };
  const sample = async () => {
    while (!done) {
      sizes.push(bytesIn(logs));
      await sleep(SAMPLE_EVERY_MS);
    }
  };
  const figures = ended(result).finally(() => (done = true));
  await Promise.all([figures, ask(), sample()]);
  const steady = sizes.slice(Math.floor(sizes.length / 10)).toSorted((a, b) => a - b);
  const mib = (bytes = 0) => Math.round(bytes / MIB);
  const out = {
    ...(await figures),
    disk_mib: {
      bound: mib(3 * MAX_SIZE * (KEEP + 1)),
      median: mib(steady[Math.floor(steady.length / 2)]),
      p99: mib(steady[Math.floor(steady.length * 0.99)]),
      peak: mib(Math.max(...sizes)),
    },
    daemon_cpu_ratio: Math.round((100 * (daemon.cpuSeconds() - cpu)) / SECONDS) / 100,
    answer_ms: spread(answers),
  };
  await daemon.remove();
  return out;
}

const flood = program();
const results: Record<string, object> = {};
for (const [name, rate, gzip] of [
  ['1 MB/s', 1, false],
  ['as fast as it can', 0, false],
  ['as fast as it can, compressed', 0, true],
  ['200 MB/s', 200, false],
] as const) {
  const control = await plainFile(flood, rate);
  const figures = await ours(flood, rate, gzip);
  results[name] = {
    plain_file: control,
    ours: figures,
    throughput_ratio: Math.round((100 * figures.mb_per_second) / control.mb_per_second) / 100,
  };
}
record('flood', { seconds: SECONDS, max_size_mib: MAX_SIZE / MIB, keep: KEEP, results });
