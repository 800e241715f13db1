import { chmodSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nodeLauncher, type Launch, type Launcher } from '../../src/drivers/launcher.ts';
import { exitOf, posixLauncher } from '../../src/drivers/posix-spawn.ts';
import type { Exit } from '../../src/model/index.ts';
import { tempFolder } from '../support/temp.ts';

/** Node's own way where there is no other: then the comparison is with itself. */
const launchers: [string, () => Launcher][] = [
  ["Node's own means", () => nodeLauncher(() => {})],
  ['posix_spawn', () => posixLauncher() ?? nodeLauncher(() => {})],
];

function order(script: string, folder: string, changes: Partial<Launch> = {}): Launch {
  const out = openSync(join(folder, 'out'), 'a');
  const env = { PATH: process.env['PATH'] ?? '', PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'] ?? '' };
  return { program: 'sh', args: ['-c', script], cwd: folder, env, stdout: out, stderr: out, ...changes };
}

const ending = async (launcher: Launcher, what: Launch): Promise<Exit> => {
  onTestFinished(() => launcher.close());
  const child = await launcher.launch(what);
  return new Promise((resolve) => child.onExit(resolve));
};

describe.each(launchers)('a process made by %s', (_, make) => {
  it.each([
    { script: 'exit 0', exit: { code: 0, signal: null } },
    { script: 'exit 77', exit: { code: 77, signal: null } },
    { script: 'kill -SEGV $$', exit: { code: null, signal: 'SIGSEGV' } },
    { script: 'kill -ABRT $$', exit: { code: null, signal: 'SIGABRT' } },
    { script: 'kill -KILL $$', exit: { code: null, signal: 'SIGKILL' } },
  ])('tells how it ended: $script', async ({ script, exit }) => {
    expect(await ending(make(), order(script, tempFolder()))).toEqual(exit);
  });

  it('has no signal ignored or blocked, no input, and its output only where it belongs', async () => {
    const folder = tempFolder();
    await ending(make(), order('grep -E "Sig(Blk|Ign)" /proc/self/status; readlink /proc/self/fd/*', folder));
    const [blocked = '', ignored = '', ...open] = readFileSync(join(folder, 'out'), 'utf8').trim().split('\n');
    // Signals 1 to 31; glibc keeps 32 and 33 to itself.
    const signals = (line: string) => BigInt(`0x${line.split('\t')[1]}`) & 0x7fffffffn;
    expect([signals(blocked), signals(ignored)]).toEqual([0n, 0n]);
    expect(open[0]).toBe('/dev/null');
    expect(open.filter((target) => target === join(folder, 'out'))).toHaveLength(2);
  });

  it('runs a script that names no interpreter by the shell', async () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'job'), 'echo ran "$1"; exit 5\n');
    chmodSync(join(folder, 'job'), 0o755);
    expect(await ending(make(), order('', folder, { program: './job', args: ['well'] }))).toEqual({
      code: 5,
      signal: null,
    });
    expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('ran well\n');
  });

  it('tells each of many ends that come at once', async () => {
    const launcher = make();
    onTestFinished(() => launcher.close());
    const folder = tempFolder();
    const codes = Array.from({ length: 30 }, (__, code) => code);
    const children = await Promise.all(codes.map((code) => launcher.launch(order(`exit ${code}`, folder))));
    const exits = await Promise.all(children.map((child) => new Promise<Exit>((resolve) => child.onExit(resolve))));
    expect(exits.map(({ code }) => code)).toEqual(codes);
  });

  it('is refused with the code of the system', async () => {
    const launcher = make();
    onTestFinished(() => launcher.close());
    const folder = tempFolder();
    await expect(launcher.launch(order('', folder, { program: './nothing' }))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(launcher.launch(order('', folder, { program: 'no-such-program' }))).rejects.toMatchObject({
      code: 'ENOENT',
    });
    await expect(launcher.launch(order('', folder, { cwd: '/no/such' }))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a wait status', () => {
  it.each([
    { status: 0, exit: { code: 0, signal: null } },
    { status: 0x4e00, exit: { code: 78, signal: null } },
    { status: 9, exit: { code: null, signal: 'SIGKILL' } },
    { status: 0x8b, exit: { code: null, signal: 'SIGSEGV' } },
  ])('of $status is $exit', ({ status, exit }) => {
    expect(exitOf(status)).toEqual(exit);
  });
});

describe('on this machine', () => {
  it.runIf(process.platform === 'linux' && process.arch === 'x64')('posix_spawn is there', () => {
    const launcher = posixLauncher();
    launcher?.close();
    expect(launcher).not.toBeNull();
  });
});
