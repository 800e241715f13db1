import { spawn, type ChildProcess } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { expand, splitWords } from '../service/systemd-reader.ts';
import { isAlive, paramedic, Site, sleeper } from '../support/daemon.ts';
import { receiveNotifications, type NotifyReceiver } from '../support/notify-receiver.ts';
import { until } from '../support/temp.ts';

/*
 * What systemd does with our unit, done by hand, for here it is not process 1: it runs the very lines of the unit, in
 * its environment, and signals only the main process (KillMode=process).
 */
class PlayedUnit {
  readonly #unit: string;
  readonly #address: string;
  readonly #manager: NotifyReceiver;
  #main: ChildProcess | null = null;

  constructor(unit: string, address: string, manager: NotifyReceiver) {
    this.#unit = unit;
    this.#address = address;
    this.#manager = manager;
    onTestFinished(() => void this.#main?.kill('SIGKILL'));
  }

  setting(name: string): string {
    return new RegExp(`^${name}=(.*)$`, 'm').exec(this.#unit)?.[1] ?? '';
  }

  #run(name: string): ChildProcess {
    const [program = '', ...args] = splitWords(this.setting(name)).map(expand);
    const [path = ''] = splitWords(this.setting('Environment')).map(expand);
    return spawn(
      program,
      args.map((arg) => arg.replaceAll('$$', '$')),
      {
        cwd: '/',
        stdio: 'ignore',
        env: {
          PATH: path.slice('PATH='.length),
          PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'],
          NOTIFY_SOCKET: this.#address,
          WATCHDOG_USEC: String(Number(this.setting('WatchdogSec')) * 1_000_000),
        },
      },
    );
  }

  /** @returns the main pid, when it has said READY=1. */
  async start(): Promise<number> {
    const main = this.#run('ExecStart');
    this.#main = main;
    await until(
      'READY=1',
      () => this.#manager.heard.some(({ pid, text }) => pid === main.pid && text.startsWith('READY=1\n')),
      60_000,
    );
    return main.pid ?? 0;
  }

  /** ExecStop; then SIGTERM for whom KillMode= means, if it still is there. @returns the main process's exit code. */
  async stop(): Promise<number | null> {
    const main = this.#main!;
    const ended = new Promise<number | null>((resolve) => main.once('exit', resolve));
    const stop = this.#run('ExecStop');
    expect(await new Promise((resolve) => stop.once('exit', resolve))).toBe(0);
    if (main.exitCode === null) main.kill('SIGTERM');
    return ended;
  }

  /** What comes of a watchdog that was not fed. */
  async abort(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const main = this.#main!;
    const ended = new Promise((resolve) => main.once('exit', resolve));
    main.kill(signal);
    await ended;
  }
}

/** A site in a folder whose name systemd could misread, its unit, and who plays systemd. */
async function installed(components: Record<string, unknown>) {
  const site = new Site({ components });
  const folder = join(site.folder, 'my 100% $HOME "agents"');
  symlinkSync('.', folder);
  const config = join(folder, 'paramedic.yaml');
  const { code, stdout } = await paramedic(['service', 'install', '--user', '--print', '--config', config]);
  expect(code).toBe(0);
  const address = join(site.folder, 'notify');
  return { site, config, unit: new PlayedUnit(stdout, address, await receiveNotifications(address)) };
}

describe.runIf(process.platform === 'linux')('our systemd unit', () => {
  it('leaves the components running when it is stopped, and the next start adopts them', async () => {
    const { site, config, unit } = await installed({ mail: sleeper(), agent: sleeper({ depends_on: ['mail'] }) });
    expect(unit.setting('KillMode')).toBe('process');
    const first = await unit.start();
    await site.untilState('agent', 'running');
    const before = (await site.status()).components.map(({ pid }) => pid!);

    expect(await unit.stop()).toBe(0);
    expect(isAlive(first)).toBe(false);
    expect(before.map(isAlive)).toEqual([true, true]);

    const second = await unit.start();
    const { pid, components } = await site.status();
    expect(pid).toBe(second);
    expect(components.map((one) => one.pid)).toEqual(before);
    expect(components.every(({ adopted, restarts }) => adopted && restarts === 0)).toBe(true);

    // A daemon that hangs is killed, and it alone.
    await unit.abort();
    expect(before.map(isAlive)).toEqual([true, true]);
    await unit.start();
    expect((await site.status()).components.map((one) => one.pid)).toEqual(before);

    expect(await paramedic(['stop', '--config', config])).toMatchObject({ code: 0, stdout: 'stopped\n' });
    expect(before.map(isAlive)).toEqual([false, false]);
  });

  it('would stop them without its ExecStop: the control', async () => {
    const { site, unit } = await installed({ mail: sleeper() });
    await unit.start();
    const { pid } = await site.untilState('mail', 'running');
    await unit.abort('SIGTERM');
    expect(isAlive(pid!)).toBe(false);
  });
});
