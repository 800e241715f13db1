import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sameProcess, type StartPlan } from '../../src/drivers/index.ts';
import { childrenOf } from '../../src/drivers/proc.ts';
import type { RunningProcess } from '../../src/drivers/running.ts';
import { incarnationId, node, shell } from '../drivers/support.ts';
import { tempFolder, until } from '../support/temp.ts';

/** One way to come to a running process. */
export interface RunningContract {
  readonly name: string;
  readonly run: (plan: StartPlan) => Promise<RunningProcess>;
  /** The exit of a process of ours, or nothing at all. */
  readonly tellsExits: boolean;
}

const stop = (timeout: number) => ({ signal: 'SIGTERM', timeout }) as const;

/** Reads a file that a test process writes; the pid in it was written with its newline. */
const pidIn = (file: string) =>
  until(`a pid in ${file}`, () => {
    try {
      return Number(/^(\d+)\n/.exec(readFileSync(file, 'utf8'))?.[1]) || undefined;
    } catch {
      return undefined;
    }
  });
const lives = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};
/** Of who it is by now, the lists in `/proc/PID/status`. */
const credentials = ({ process: { pid } }: RunningProcess): Record<string, string[]> =>
  Object.fromEntries(
    [...readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^(Uid|Gid|Groups|CapPrm|CapInh):(.*)$/gm)].map(
      ([, name = '', values = '']) => [name, values.split(/\s/).filter(Boolean)],
    ),
  );
const niceOf = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[16]);
const written = (running: RunningProcess, text: string) =>
  until(`"${text}" in its output`, () => running.outputTail('stdout', 1_000).includes(text));

/** What the supervisor relies on, whichever way it came to the process. */
export function describeRunning({ name, run, tellsExits }: RunningContract): void {
  describe(name, () => {
    it('is told when somebody else kills it', async () => {
      const running = await run(shell('sleep 60'));
      expect(sameProcess(running.process)).toBe(true);
      process.kill(running.process.pid, 'SIGKILL');
      expect(await running.exited).toEqual(
        tellsExits ? { code: null, signal: 'SIGKILL' } : { code: null, signal: null },
      );
      expect(sameProcess(running.process)).toBe(false);
      expect(running.usage()).toBeNull();
    });

    it('has ended the rest of its group when its end is told', async () => {
      const file = join(tempFolder(), 'pid');
      const running = await run(shell(`sleep 60 & echo $! > ${file}; exec sleep 61`));
      const left = await pidIn(file);
      process.kill(running.process.pid, 'SIGKILL');
      await running.exited;
      expect(lives(left)).toBe(false);
    });

    it('takes what has left its group along, though not what a newer life has started', async () => {
      const folder = tempFolder();
      const wanders = (file: string) => shell(`setsid sh -c 'echo $$ > ${file}; exec sleep 60' & exec sleep 61`);
      const [older, newer] = [join(folder, 'older'), join(folder, 'newer')];
      const running = await run(wanders(older));
      const next = await run(wanders(newer));
      const [left, kept] = [await pidIn(older), await pidIn(newer)];
      process.kill(running.process.pid, 'SIGKILL');
      await running.exited;
      await until('the wanderer to end', () => !lives(left));
      expect(lives(kept)).toBe(true);
      await next.stop(stop(5_000));
      expect(lives(kept)).toBe(false);
    });

    it('stops by itself when it hears the signal', async () => {
      const running = await run(shell('trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.01; done'));
      await written(running, 'up');
      const [first, second] = await Promise.all([running.stop(stop(10_000)), running.stop(stop(1))]);
      expect(first).toEqual({ exit: { code: tellsExits ? 3 : null, signal: null }, forced: false });
      expect(second).toBe(first);
      expect(running.outputTail('stdout', 1_000)).toBe('up\nbye\n');
    });

    it('hears the signal once, from nobody but the main process', async () => {
      const running = await run(
        shell(
          `(trap 'echo child heard' TERM; echo up; while :; do sleep 0.01; done) & trap 'echo parent heard; sleep 0.1; exit' TERM; wait`,
        ),
      );
      await written(running, 'up');
      await running.stop(stop(10_000));
      expect(running.outputTail('stdout', 1_000)).toBe('up\nparent heard\n');
    });

    it('is killed with its whole tree when it does not hear the signal', async () => {
      const folder = tempFolder();
      const [inGroup, outside] = [join(folder, 'in'), join(folder, 'out')];
      const running = await run(
        shell(
          `trap '' TERM; (echo $(exec sh -c 'echo $PPID') > ${inGroup}; sleep 60) & setsid env -i sh -c 'echo $$ > ${outside}; sleep 60; :' & echo up; while :; do sleep 0.01; done`,
        ),
      );
      const pids = [await pidIn(inGroup), await pidIn(outside)];
      await written(running, 'up');
      const { exit, forced } = await running.stop(stop(50));
      expect(forced).toBe(true);
      expect(exit.signal).toBe(tellsExits ? 'SIGKILL' : null);
      expect(pids.map(lives)).toEqual([false, false]);
    });

    it('stops although it was frozen', async () => {
      const running = await run(shell('trap "exit 4" TERM; echo up; while :; do sleep 0.01; done'));
      await written(running, 'up');
      process.kill(running.process.pid, 'SIGSTOP');
      expect((await running.stop(stop(10_000))).forced).toBe(false);
      const frozen = await run(shell('sleep 60'));
      process.kill(frozen.process.pid, 'SIGSTOP');
      await frozen.kill();
      expect(sameProcess(frozen.process)).toBe(false);
    });

    it('can be killed while it is being stopped', async () => {
      const running = await run(shell('trap "" TERM; echo up; while :; do sleep 0.01; done'));
      await written(running, 'up');
      const stopping = running.stop(stop(60_000));
      await running.kill();
      expect((await stopping).forced).toBe(true);
    });

    it('can be stopped and killed after its end', async () => {
      const running = await run(shell('sleep 60'));
      const exit = await running.kill();
      expect(await running.kill()).toEqual(exit);
      expect((await running.stop(stop(10_000))).exit).toEqual(exit);
    });

    it('tells what the whole tree uses', async () => {
      const spin = 'const end = Date.now() + 60_000; while (Date.now() < end);';
      const child = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(spin)}], {stdio: 'ignore'})`;
      const running = await run(node(`${child}; console.log('up'); setInterval(() => {}, 1000)`));
      await written(running, 'up');
      expect(running.usage()?.cpuRatio).toBeNull();
      const usage = await until('half a core', () => {
        const now = running.usage();
        return now !== null && (now.cpuRatio ?? 0) > 0.3 && now;
      });
      expect(usage.processes).toBe(2);
      expect(usage.cpuRatio).toBeLessThan(4);
      expect(usage.residentBytes).toBeGreaterThan(50 * 2 ** 20);
      expect(usage.openFds).toBeGreaterThan(20);
      expect(running.usage(60_000)).toBe(usage);
      expect(running.usage()).not.toBe(usage);
      await running.kill();
    });

    it('shows the end of what this life has written', async () => {
      const running = await run(shell(`printf 'a%.0s' $(seq 500); printf 'é\\0\\377z' ; echo late >&2; exec sleep 60`));
      await written(running, 'z');
      expect(running.outputTail('stdout', 100)).toHaveLength(99);
      expect(running.outputTail('stdout', 4)).toBe('\0\ufffdz'.padStart(3));
      await until('the other stream', () => running.outputTail('stderr', 100) === 'late\n');
      await running.kill();
    });

    it('knows nothing of an earlier life', async () => {
      const first = await run(shell('echo first; exec sleep 60'));
      await written(first, 'first');
      await first.kill();
      const folder = tempFolder();
      const second = await run(shell(`until [ -e ${folder}/go ]; do sleep 0.01; done; echo second; exec sleep 60`));
      expect(second.outputTail('stdout', 1_000)).toBe('');
      writeFileSync(join(folder, 'go'), '');
      await written(second, 'second');
      expect(second.outputTail('stdout', 1_000)).toBe('second\n');
      await second.kill();
    });

    const isRoot = process.getuid?.() === 0;

    it.runIf(isRoot)("runs as another user: none of the daemon's groups, its output and folder as ever", async () => {
      const cwd = tempFolder();
      const script = 'echo "$HOME"; pwd; echo again >> /dev/stdout; echo up; exec sleep 60';
      const running = await run(shell(script, { user: 'nobody', cwd, env: { HOME: '/root' } }));
      await written(running, 'up');
      expect(running.outputTail('stdout', 1_000)).toBe(`/root\n${cwd}\nagain\nup\n`);
      expect(credentials(running)).toEqual({
        Uid: Array(4).fill('65534'),
        Gid: Array(4).fill('65534'),
        Groups: ['65534'],
        CapPrm: ['0000000000000000'],
        CapInh: ['0000000000000000'],
      });
      expect(running.usage()).toMatchObject({ processes: 1, openFds: expect.any(Number) });
      const exit = await running.stop(stop(10_000));
      expect(exit.forced).toBe(false);
    });

    it.runIf(isRoot)('runs as numbers that have no name, and as a group alone, with no other group', async () => {
      const numbers = await run(shell('exec sleep 60', { user: '54321', group: '54322' }));
      await until('another user', () => credentials(numbers)['Uid']?.[0] === '54321');
      expect(credentials(numbers)).toMatchObject({ Gid: Array(4).fill('54322'), Groups: [] });
      const group = await run(shell('exec sleep 60', { group: 'daemon' }));
      await until('another group', () => credentials(group)['Gid']?.[0] === '1');
      expect(credentials(group)).toMatchObject({ Uid: Array(4).fill('0'), Groups: [] });
      await Promise.all([numbers.kill(), group.kill()]);
    });

    it.each(isRoot ? [7, -5] : [7])('has its share of the CPU, and all that it starts too (nice %d)', async (nice) => {
      const running = await run(shell('sleep 60 & echo up; wait', { nice }));
      await written(running, 'up');
      const levels = () => [running.process.pid, ...childrenOf(running.process.pid)].map(niceOf);
      expect(levels()).toEqual([nice, nice]);
      await running.kill();
    });

    it('keeps lives apart by their incarnation', async () => {
      const running = await run(shell('exec sleep 60', { incarnation: incarnationId() }));
      const other = await run(shell('exec sleep 60', { incarnation: incarnationId() }));
      await running.kill();
      expect(sameProcess(other.process)).toBe(true);
      await other.kill();
    });
  });
}
