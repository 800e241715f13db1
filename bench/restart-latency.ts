import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled, end, folder, pm2, record, ROOT, run, sleep, spread, starts, until, victim } from './harness.ts';

/*
 * SIGKILL of a supervised C program → first instruction of its successor. The supervisors run side by side and
 * are asked in turn, round by round, so that the machine's mood is the same for all of them.
 * Usage: node bench/restart-latency.ts [ROUNDS]
 */
const ROUNDS = Number(process.argv[2] ?? 50);
const program = victim();

interface Contestant {
  readonly name: string;
  readonly log: string;
  stop(): Promise<void> | void;
}

function bareLoop(home: string): Contestant {
  const log = join(home, 'bare.starts');
  const child = run([process.execPath, join(ROOT, 'bench', 'bare-loop.ts'), program, log]);
  return { name: 'bare', log, stop: () => end(child) };
}

function pm2Fast(home: string): Contestant {
  const log = join(home, 'pm2.starts');
  const env = { ...process.env, PM2_HOME: join(home, 'pm2') };
  const app = {
    name: 'victim',
    script: program,
    args: [log],
    interpreter: 'none',
    cwd: home,
    max_restarts: 1e6,
    vizion: false,
    pmx: false,
    treekill: false,
  };
  const file = join(home, 'ecosystem.json');
  writeFileSync(file, JSON.stringify({ apps: [app] }));
  const call = (...args: string[]) => execFileSync(process.execPath, [pm2(), ...args], { env, stdio: 'ignore' });
  call('start', file);
  return { name: 'pm2', log, stop: () => void call('kill') };
}

/** One `runsv`, as `runsvdir` starts it for each service; null where runit is not installed. */
function runit(home: string): Contestant | null {
  if (spawnSync('runsv', { stdio: 'ignore' }).error) return null;
  const [log, service] = [join(home, 'runit.starts'), join(home, 'runit')];
  mkdirSync(service);
  writeFileSync(join(service, 'run'), `#!/bin/sh\nexec ${program} ${log}\n`, { mode: 0o755 });
  const child = run(['runsv', service]);
  // Its TERM ends the service as well.
  return { name: 'runit', log, stop: () => end(child) };
}

function paramedic(home: string): Contestant {
  const log = join(home, 'paramedic.starts');
  const file = join(home, 'paramedic.yaml');
  const component = {
    command: [program, log],
    priority: 'critical',
    restart: { policy: 'immediate', max_restarts: 1_000_000 },
  };
  writeFileSync(
    file,
    JSON.stringify({ state_dir: './state', listen: '127.0.0.1:0', components: { victim: component } }),
  );
  const child = run([process.execPath, compiled(), 'start', '--config', file]);
  return { name: 'paramedic', log, stop: () => end(child) };
}

async function kill(log: string): Promise<number> {
  const before = starts(log);
  const last = before.at(-1);
  if (!last) throw new Error(`${log}: never started`);
  const at = process.hrtime.bigint();
  process.kill(last.pid, 'SIGKILL');
  const next = await until(`a successor in ${log}`, () => starts(log)[before.length]);
  return Number(next.at - at) / 1e6;
}

const home = folder();
const peer = runit(home.path);
if (!peer) console.log('runit is not installed (apt-get install runit): it is left out');
const contestants = [bareLoop(home.path), pm2Fast(home.path), ...(peer ? [peer] : []), paramedic(home.path)];
const times = new Map(contestants.map(({ name }) => [name, [] as number[]]));
try {
  for (const { log } of contestants) await until(`the first start in ${log}`, () => starts(log).length > 0);
  await sleep(3_000);
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(1_150 + Math.random() * 500);
    for (const { name, log } of contestants) {
      times.get(name)?.push(await kill(log));
      await sleep(50);
    }
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${ROUNDS}`);
  }
} finally {
  for (const { stop } of contestants) await stop();
  home.remove();
}

const result = Object.fromEntries([...times].map(([name, list]) => [name, spread(list)]));
const median = (name: string) => result[name]?.median ?? NaN;
const ratio = (name: string) => Math.round((median('paramedic') / median(name)) * 100) / 100;
const ratios = {
  ratio_to_bare: ratio('bare'),
  ratio_to_pm2: ratio('pm2'),
  ...(peer && { ratio_to_runit: ratio('runit') }),
};
record('restart-latency', { unit: 'ms', ...result, ...ratios });
const isSlow = ratios.ratio_to_bare > 1.3 || ratios.ratio_to_pm2 > 0.5 || (peer !== null && ratio('runit') > 1.2);
if (isSlow) process.exitCode = 1;
