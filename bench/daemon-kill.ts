import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { isAlive, record, sleep, spread, starts, until, victim } from './harness.ts';

/*
 * SIGKILL of the daemon, again and again, over fifty children that write to stdout: do the same processes live on, is
 * anything started twice, how long until the next daemon has adopted all, and does it notice when one of them dies?
 * Usage: node bench/daemon-kill.ts [ROUNDS] [CHILDREN]
 */
const ROUNDS = Number(process.argv[2] ?? 100);
const CHILDREN = Number(process.argv[3] ?? 50);
const ADOPTED_WITHIN_MS = 1_000;
const program = victim();

const names = Array.from({ length: CHILDREN }, (_, index) => `v${index + 1}`);
const restart = { policy: 'immediate', max_restarts: 1_000_000 };
const daemon = new Daemon({
  components: Object.fromEntries(
    names.map((name) => [name, { command: [program, `${name}.starts`, 'chat'], priority: 'critical', restart }]),
  ),
});
const startsOf = (name: string) => starts(join(daemon.home, `${name}.starts`));
const pids = new Map<string, number>();
const expected = new Map(names.map((name) => [name, 1]));

let lost = 0;
let doubled = 0;
let noticed = 0;
let restartsCounted = 0;
const adoption: number[] = [];
const boots: number[] = [];
const readiness: number[] = [];
const healing: number[] = [];
try {
  await daemon.start();
  for (const { name, pid } of await daemon.allRunning()) pids.set(name, pid ?? 0);
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(200 + Math.random() * 500);
    await daemon.kill();
    await sleep(100 + Math.random() * 200);
    lost += names.filter((name) => !isAlive(pids.get(name) ?? 0)).length;

    const at = await daemon.start();
    readiness.push(Date.now() - at);
    const views = await daemon.allRunning();
    const wrong = views.filter(({ name, pid, adopted }) => pid !== pids.get(name) || !adopted);
    lost += wrong.length;
    const events = (await daemon.events()).filter((event) => Date.parse(event.at) >= at);
    const started = events.find((event) => event.type === 'daemon.started');
    const adopted = events.filter((event) => event.type === 'component.adopted');
    lost += CHILDREN - adopted.length;
    const last = Math.max(...adopted.map((event) => Date.parse(event.at)));
    adoption.push(last - at);
    boots.push(last - Date.parse(started?.at ?? ''));
    doubled += Math.max(0, daemon.carriers().length - CHILDREN);

    const name = names[round % CHILDREN] ?? '';
    const killedAt = process.hrtime.bigint();
    process.kill(pids.get(name) ?? 0, 'SIGKILL');
    expected.set(name, (expected.get(name) ?? 0) + 1);
    const next = await until('a successor', () => startsOf(name)[(expected.get(name) ?? 0) - 1]);
    healing.push(Number(next.at - killedAt) / 1e6);
    noticed++;
    pids.set(name, next.pid);
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round + 1} of ${ROUNDS}`);
  }
  for (const name of names) doubled += Math.abs(startsOf(name).length - (expected.get(name) ?? 0));
  restartsCounted = (await daemon.allRunning()).reduce((sum, { restarts }) => sum + restarts, 0);
} finally {
  await daemon.remove();
}

record('daemon-kill', {
  unit: 'ms',
  rounds: ROUNDS,
  children: CHILDREN,
  lost,
  doubled,
  deaths_noticed: `${noticed} of ${ROUNDS}`,
  restarts_counted: restartsCounted,
  spawn_to_all_adopted: spread(adoption),
  first_word_to_all_adopted: spread(boots),
  spawn_to_ready: spread(readiness),
  death_of_an_adopted_child_to_its_successor: spread(healing),
});
const isLate = adoption.some((ms) => ms >= ADOPTED_WITHIN_MS);
if (isLate || lost + doubled > 0 || noticed !== ROUNDS || restartsCounted !== ROUNDS) process.exitCode = 1;
