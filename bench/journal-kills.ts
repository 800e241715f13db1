import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { audit } from '../test/support/ledger.ts';
import { Daemon } from './daemon.ts';
import { compiled, record, ROOT, sleep, until } from './harness.ts';

/*
 * A component that journals and saves its state over and over is killed again and again, now and then its daemon too,
 * and now and then both. Afterwards its own ledger of what was acknowledged is compared with what each life was given.
 * Usage: node bench/journal-kills.ts [KILLS]
 */
const KILLS = Number(process.argv[2] ?? 200);
const STEPS_BETWEEN_KILLS = 150;

/** How often a mark stands in a file that grows. */
class Count {
  readonly #mark: string;
  readonly #file: string;
  #offset = 0;
  #found = 0;

  constructor(file: string, mark: string) {
    this.#file = file;
    this.#mark = mark;
  }

  now(): number {
    if (!existsSync(this.#file)) return 0;
    const descriptor = openSync(this.#file, 'r');
    const buffer = Buffer.alloc(2 ** 20);
    for (let read = -1; read !== 0;) {
      read = readSync(descriptor, buffer, 0, buffer.length, this.#offset);
      const whole = buffer.toString('latin1', 0, read).lastIndexOf('\n') + 1;
      if (whole === 0) break;
      this.#found += buffer.toString('latin1', 0, whole).split(this.#mark).length - 1;
      this.#offset += whole;
    }
    closeSync(descriptor);
    return this.#found;
  }
}

compiled();
const daemon = new Daemon({
  components: {
    planner: {
      command: [process.execPath, join(ROOT, 'test', 'support', 'remembering.ts'), 'ledger'],
      env: { CLIENT: join(ROOT, 'dist', 'client', 'index.js') },
      priority: 'critical',
      restart: { policy: 'immediate', max_restarts: 1_000_000 },
    },
  },
});
const ledger = join(daemon.home, 'ledger');
const steps = new Count(ledger, '"step"');
const lives = new Count(ledger, '"restored"');
const starts = new Count(ledger, '"start"');
let pid = 0;

const nextLife = async () => {
  const before = starts.now();
  process.kill(pid, 'SIGKILL');
  return before;
};
const alive = async (before: number) => {
  await until('the next life', () => lives.now() > before, 60_000, 5);
  pid = audit(ledger).starts.at(-1) ?? 0;
};

let daemonKills = 0;
let result: ReturnType<typeof audit> | undefined;
try {
  await daemon.start();
  await until('its first life', () => lives.now() === 1, 60_000);
  pid = audit(ledger).starts.at(-1) ?? 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const done = steps.now();
    await until('some of its work', () => steps.now() >= done + STEPS_BETWEEN_KILLS, 60_000, 5);
    await sleep(Math.random() * 50);
    const takeDaemon = kill % 5 === 0;
    if (takeDaemon) {
      await daemon.kill();
      daemonKills++;
    }
    // Every tenth time both are gone; at the other daemon's deaths the component lives through it.
    const before = takeDaemon && kill % 10 !== 0 ? null : await nextLife();
    if (takeDaemon) await daemon.start();
    if (before === null) {
      const known = steps.now();
      await until('work with the new daemon', () => steps.now() > known + STEPS_BETWEEN_KILLS, 60_000, 5);
      await alive(await nextLife());
    } else await alive(before);
    if (process.stderr.isTTY) process.stderr.write(`\rkill ${kill} of ${KILLS}`);
  }
  result = audit(ledger);
} finally {
  await daemon.remove();
}

const { acknowledged, checkpoints, restores, lost, doubled, older, errors } = result;
record('journal-kills', {
  kills: KILLS,
  daemon_kills: daemonKills,
  lives: restores,
  acknowledged_entries: acknowledged,
  acknowledged_checkpoints: checkpoints,
  missing_entries: lost.length,
  repeated_entries: doubled.length,
  restored_from_an_older_checkpoint: older.length,
  refused_calls: errors.length,
});
if (lost.length + doubled.length + older.length + errors.length > 0) {
  console.error([...lost, ...doubled, ...older, ...errors].slice(0, 20).join('\n'));
  process.exitCode = 1;
}
