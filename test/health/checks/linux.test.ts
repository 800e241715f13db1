import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventLog, judgeJournal } from '../../../src/health/checks/event-log.ts';
import { judgeReboot, pendingReboot, readTraces } from '../../../src/health/checks/pending-reboot.ts';
import { systemdUnit } from '../../../src/health/checks/systemd-unit.ts';
import { tempFolder } from '../../support/temp.ts';
import { runCheck } from '../serve.ts';

const says = (status: string, words: string) => ({ status, message: expect.stringContaining(words) });

/** Puts a program that speaks like the real one first in PATH: few machines that run tests have a systemd to break. */
function install(name: string, script: string): void {
  const folder = tempFolder();
  const program = join(folder, name);
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`);
}
afterEach(() => void vi.unstubAllEnvs());

describe('systemd_unit check', () => {
  const unit = (load: string, active: string, sub: string, result = 'success') =>
    `echo LoadState=${load}; echo ActiveState=${active}; echo SubState=${sub}; echo Result=${result}; echo NRestarts=2`;
  it.each([
    [unit('loaded', 'active', 'running'), 'healthy', 'nginx.service is active (running), restarted 2 times'],
    [unit('loaded', 'activating', 'auto-restart'), 'degraded', 'activating (auto-restart)'],
    [unit('loaded', 'failed', 'failed', 'exit-code'), 'unhealthy', 'failed (failed): exit-code'],
    [unit('loaded', 'inactive', 'dead'), 'unhealthy', 'inactive (dead)'],
    [unit('not-found', 'inactive', 'dead'), 'unhealthy', 'there is no unit'],
    ['', 'unknown', 'says nothing'],
    ['echo "Failed to connect to bus: No such file or directory" >&2; exit 1', 'unknown', 'Failed to connect to bus'],
  ])('%s', async (script, status, words) => {
    install('systemctl', script);
    expect(await runCheck(systemdUnit, { unit: 'nginx.service' })).toMatchObject(says(status, words));
  });

  const failed = (count: string, ...names: string[]) =>
    `case "$*" in *NFailedUnits*) echo NFailedUnits=${count}; echo NNames=120;; *) ${names.map((name) => `echo "${name} loaded failed failed A unit";`).join(' ')} true;; esac`;
  it.each([
    [failed('0'), {}, 'healthy', 'no unit of 120 has failed'],
    [failed('2', 'a.service', 'b.mount'), {}, 'degraded', 'failed: a.service, b.mount'],
    [failed('3', 'a.service', 'b.service', 'c.timer'), {}, 'critical', 'a.service, b.service, c.timer'],
    [failed('1', 'a.service'), { ignore: ['a.service'] }, 'healthy', 'those that may'],
    [failed('1'), {}, 'degraded', 'does not name them'],
    ['true', {}, 'unknown', 'does not say'],
  ])('all units: %s', async (script, options, status, words) => {
    install('systemctl', script);
    expect(await runCheck(systemdUnit, options)).toMatchObject(says(status, words));
  });

  it('is ended when it hangs, and unknown without systemd', async () => {
    install('systemctl', 'sleep 60');
    const abort = new AbortController();
    const result = runCheck(systemdUnit, {}, { signal: abort.signal });
    abort.abort(new Error('too late'));
    await expect(result).rejects.toThrow('too late');
    vi.stubEnv('PATH', tempFolder());
    expect(await runCheck(systemdUnit, {})).toMatchObject(says('unknown', 'does not run systemd'));
  });

  it('refuses what is no name of a unit', () => {
    expect(systemdUnit.options.safeParse({ unit: '--user; rm' }).success).toBe(false);
  });
});

describe('event_log check', () => {
  const line = (message: string, program = 'app', transport = 'journal') =>
    JSON.stringify({ MESSAGE: message, SYSLOG_IDENTIFIER: program, _TRANSPORT: transport });
  /** Answers errors for a priority, and any line at all for the question whether there is a journal. */
  const journal = (errors: readonly string[], any = [line('hello')]) =>
    `case "$*" in *--priority=*) cat <<'X'\n${errors.join('\n')}\nX\n;; *) cat <<'X'\n${any.join('\n')}\nX\n;; esac`;
  const oom = line('Out of memory: Killed process 42 (node) total-vm:9kB', 'kernel', 'kernel');

  it.each<[string, string, object, string, string]>([
    ['none, in a journal that is alive', journal([]), {}, 'healthy', '0 errors in the last 1d'],
    ['few', journal([line('a'), line('b')]), { window: '1h' }, 'healthy', '2 errors in the last 1h'],
    ['some', journal([line('newest'), line('b')]), { warning: 1 }, 'degraded', 'the newest, of app: newest'],
    ['many', journal([line('a'), line('b')]), { warning: 0, critical: 1 }, 'unhealthy', '2 errors'],
    ['known ones', journal([line('a'), line('b', 'noisy')]), { warning: 0, ignore: ['noisy', 'a'] }, 'healthy', '0'],
    ['memory ran out', journal([oom]), {}, 'degraded', 'memory ran out: Out of memory: Killed process 42'],
    ['memory may run out', journal([oom]), { oom: false }, 'healthy', '1 error'],
    ['a program that only speaks of it', journal([line('Out of memory: Killed process 1')]), {}, 'healthy', '1 error'],
    ['bytes that are no text', journal([JSON.stringify({ MESSAGE: [104, 105] })]), { warning: 0 }, 'degraded', 'hi'],
    ['an empty journal', journal([], []), {}, 'unknown', 'empty, or may not be read'],
    ['words to people only', journal(['-- No entries --'], ['Hint: not seeing messages']), {}, 'unknown', 'empty'],
    ['a failure', 'echo "Failed to open journal" >&2; exit 1', {}, 'unknown', 'Failed to open journal'],
  ])('%s', async (_, script, options, status, words) => {
    install('journalctl', script);
    expect(await runCheck(eventLog, options)).toMatchObject(says(status, words));
  });

  it('asks for as far back, as severe and as much of one unit as it was told to', async () => {
    install('journalctl', `echo "{\\"MESSAGE\\": \\"$(echo "$*" | tr -d '"')\\"}"`);
    const { message } = await runCheck(eventLog, { warning: 0, window: 60, priority: 'crit', unit: 'nginx.service' });
    const since = Number(
      /--since=@(\d+) --priority=crit --unit=nginx.service --reverse --lines=1000/.exec(message)?.[1],
    );
    expect(Date.now() / 1_000 - since).toBeGreaterThanOrEqual(60);
  });

  it('counts to a thousand and says so', () => {
    const entries = Array.from({ length: 1_000 }, () => ({ program: 'app', message: 'x', isKernel: false }));
    const limits = { window: 1_000, warning: 20, critical: 5_000, oom: true, ignore: [] };
    expect(judgeJournal(entries, limits)).toMatchObject(says('unhealthy', '1000 or more errors'));
  });

  it('is unknown without systemd', async () => {
    vi.stubEnv('PATH', tempFolder());
    expect(await runCheck(eventLog, {})).toMatchObject(says('unknown', 'does not run systemd'));
  });
});

describe('pending_reboot check', () => {
  const running = '6.1.0-18-amd64';
  const calm = { packages: null, installed: [running], bootable: [running] };
  it.each([
    [calm, 'healthy', 'nothing waits'],
    [{ ...calm, packages: ['linux-image-amd64', 'libc6'] }, 'degraded', 'linux-image-amd64, libc6'],
    [{ ...calm, packages: [] }, 'degraded', 'by an update'],
    [{ ...calm, bootable: [running, '6.1.0-9-amd64'] }, 'healthy', 'nothing waits'],
    [{ ...calm, bootable: [running, '6.1.0-20-amd64'] }, 'degraded', 'kernel 6.1.0-20-amd64 is installed'],
    [{ ...calm, bootable: [running, '6.1.0-20-cloud-amd64'] }, 'healthy', 'nothing waits'],
    [{ ...calm, bootable: ['6.1.0-20-amd64'] }, 'degraded', 'kernel 6.1.0-20-amd64 is installed'],
    [{ packages: null, installed: ['6.9.1-arch1-1'], bootable: ['linux'] }, 'degraded', 'have been replaced'],
    [{ packages: null, installed: [], bootable: [] }, 'unknown', 'container'],
  ])('%o is %s', (traces, status, words) => {
    expect(judgeReboot(traces, running)).toMatchObject(says(status, words));
  });

  it.runIf(process.platform === 'linux')('finds the traces below a root', async () => {
    const root = tempFolder();
    expect(await runCheck(pendingReboot, { root })).toMatchObject({ status: 'unknown' });
    for (const folder of ['run', 'boot', `lib/modules/${release()}`])
      mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'boot', `vmlinuz-${release()}`), '');
    expect(readTraces(root)).toEqual({ packages: null, installed: [release()], bootable: [release()] });
    expect(await runCheck(pendingReboot, { root })).toMatchObject({ status: 'healthy' });
    writeFileSync(join(root, 'run/reboot-required'), '*** System restart required ***\n');
    writeFileSync(join(root, 'run/reboot-required.pkgs'), 'libc6\nlibc6\n');
    expect(await runCheck(pendingReboot, { root })).toMatchObject(says('degraded', 'asked for by libc6'));
  });
});
