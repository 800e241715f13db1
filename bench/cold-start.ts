import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compiled, end, folder, record, ROOT, round, run, spread, starts, until, victim } from './harness.ts';

/*
 * A hundred C programs from nothing: a new daemon on an empty folder, beside a bare Node loop that spawns as many,
 * in turn. Two figures: from the start of the process to the first instruction of the first child (a Node that loads
 * a program), and from there to the first instruction of the last child.
 * Usage: node bench/cold-start.ts [ROUNDS]
 */
const ROUNDS = Number(process.argv[2] ?? 15);
const CHILDREN = 100;
const program = victim();
const main = compiled();

interface Round {
  readonly toFirst: number;
  readonly toLast: number;
}

async function cold(command: readonly string[], home: string, env: NodeJS.ProcessEnv = {}): Promise<Round> {
  const log = join(home, 'victim.starts');
  const from = process.hrtime.bigint();
  const supervisor = run(command, { cwd: home, env: { ...process.env, ...env } });
  try {
    // Looked at seldom, so that the looking does not take a core from what is looked at.
    const all = () => existsSync(log) && starts(log).length >= CHILDREN && starts(log);
    const times = (await until(`${CHILDREN} starts in ${log}`, all, 60_000, 50)).map(({ at }) => at);
    const first = times.reduce((a, b) => (a < b ? a : b));
    const last = times.reduce((a, b) => (a > b ? a : b));
    return { toFirst: Number(first - from) / 1e6, toLast: Number(last - first) / 1e6 };
  } finally {
    await end(supervisor);
  }
}

async function bare(): Promise<Round> {
  const home = folder();
  const command = [process.execPath, join(ROOT, 'bench', 'bare-loop.ts'), program, 'victim.starts'];
  return await cold(command, home.path, { COPIES: String(CHILDREN) }).finally(home.remove);
}

async function ours(): Promise<Round> {
  const home = folder();
  const components = Object.fromEntries(
    Array.from({ length: CHILDREN }, (_, index) => [`victim-${index}`, { command: [program, 'victim.starts'] }]),
  );
  const file = join(home.path, 'paramedic.yaml');
  writeFileSync(file, JSON.stringify({ listen: '127.0.0.1:0', components }));
  return await cold([process.execPath, main, 'start', '--config', file], home.path).finally(home.remove);
}

const rounds: Record<'bare' | 'paramedic', Round[]> = { bare: [], paramedic: [] };
for (let n = 0; n < ROUNDS; n++) {
  rounds.bare.push(await bare());
  rounds.paramedic.push(await ours());
}

const tell = (list: readonly Round[]) => ({
  start_to_first: spread(list.map(({ toFirst }) => toFirst)),
  first_to_last: spread(list.map(({ toLast }) => toLast)),
});
const [loop, paramedic] = [tell(rounds.bare), tell(rounds.paramedic)];
const ratio = round(paramedic.first_to_last.median / loop.first_to_last.median, 2);
record('cold-start', { unit: 'ms', children: CHILDREN, bare: loop, paramedic, ratio_to_bare: ratio });
if (ratio > 1.3 || paramedic.start_to_first.median > 600) process.exitCode = 1;
