import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { systemClock } from './clock.ts';
import type { LoadedConfig } from './config/index.ts';
import { failure, ParamedicError, sentenceOf } from './errors.ts';
import { createHttp, createTokens, type Http } from './http/index.ts';
import { Shutdown } from './lifecycle.ts';
import { openNotifier, statusLine } from './service/index.ts';
import { acquireLock, type Lock } from './storage/index.ts';
import type { StatusView } from './supervisor/api.ts';
import { createSupervisor } from './supervisor/create.ts';
import { openStateDir } from './supervisor/state-dir.ts';
import { readVersion } from './version.ts';

export interface DaemonOptions {
  readonly loaded: LoadedConfig;
  readonly reload: () => LoadedConfig;
  readonly recoveryMode: boolean;
  /** A service manager has started us and wants to hear how we are (sd_notify). */
  readonly service: boolean;
  /** The thread that is to own state.db, when it was started ahead of this. */
  readonly stateThread?: Worker;
}

export interface RunningDaemon {
  readonly url: string;
  /** The exit code, once everything is stopped and closed. */
  readonly stopped: Promise<number>;
  status(): StatusView;
  requestStop(options: { keepComponents: boolean }): void;
  reload(): Promise<unknown>;
}

interface DaemonJson {
  readonly pid: number;
  readonly address: string;
  readonly url: string;
}

/**
 * Runs a whole daemon in this process: state folder, lock, supervisor, listener, in this order; resolves when it
 * supervises. What was opened is closed again when a step fails.
 * @throws STATE_DIR_UNUSABLE, ALREADY_RUNNING, STATE_LOCKED, PORT_IN_USE, ADDRESS_UNUSABLE
 */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const { loaded, service } = options;
  const { config } = loaded;
  const closing = new Shutdown(20_000);
  try {
    const paths = openStateDir(config.state_dir);
    const lock = lockFor(paths.root, join(paths.db, 'lock.db'));
    closing.add('lock', () => lock.release());
    const tokens = createTokens(paths.tokens);
    const version = readVersion();
    const supervisor = createSupervisor({ ...options, version, tokens, afterSpawn }, paths);
    const onError = (error: unknown, where: string) => supervisor.onError(where, error);
    const { daemon } = supervisor;
    const notifier = service ? openNotifier(systemClock, (error) => onError(error, 'service manager')) : null;
    // Below the supervisor, so that it asks for patience until that one is closed.
    if (notifier) closing.add('service manager', notifier.close);
    closing.add('supervisor', supervisor.close);
    await supervisor.unlocked;

    const file = join(paths.root, 'daemon.json');
    const open = (port: number) =>
      createHttp({ daemon, tokens, listen: { ...config.listen, port }, clock: systemClock, onError });
    const before = readDaemonJson(file)?.address;
    const { http, url, address } = await listen(open, config.listen.port, before);
    if (config.listen.port === 0 && before !== undefined && before !== address)
      onError(
        new Error(`${before}, the address of the last time, is taken: who outlived that daemon cannot reach this one`),
        'listener',
      );
    closing.add('listener', () => http.close());
    writeDaemonJson(file, { pid: process.pid, address, url, started_at: new Date().toISOString(), version });
    if (notifier) {
      daemon.subscribe(notifier.hear);
      void supervisor.stopping.then(notifier.stopping);
    }
    await supervisor.boot(url);
    notifier?.ready(() => statusLine(daemon.status()));

    return {
      url,
      status: daemon.status,
      requestStop: daemon.requestStop,
      reload: () => (notifier ? notifier.reloading(daemon.reload) : daemon.reload()),
      stopped: supervisor.finished.then(async (code) => {
        const failures = await closing.run();
        for (const { name, why } of failures) process.stderr.write(`paramedic: ${name} did not close: ${why}\n`);
        return code;
      }),
    };
  } catch (error) {
    await closing.run();
    throw error;
  }
}

/** Only for tests: the daemon dies between a spawn and the storing of the pid, as a power cut would have it. */
function afterSpawn(component: string): void {
  if (process.env['PARAMEDIC_TEST_DIE_AFTER_SPAWN'] === component) process.kill(process.pid, 'SIGKILL');
}

/** @throws ALREADY_RUNNING with the pid of the one that runs. */
function lockFor(folder: string, file: string): Lock {
  try {
    return acquireLock(file);
  } catch (error) {
    if (!(error instanceof ParamedicError) || error.code !== 'ALREADY_RUNNING') throw error;
    throw failure(
      'ALREADY_RUNNING',
      { folder, pid: readDaemonJson(join(folder, 'daemon.json'))?.pid ?? null },
      { cause: error },
    );
  }
}

/** Port 0 means the port of the last time if it is free: children that outlived us know only that one. */
async function listen(open: (port: number) => Http, port: number, before: string | undefined) {
  const known = Number(before?.slice(before.lastIndexOf(':') + 1));
  const ports = port === 0 && known > 0 ? [known, 0] : [port];
  for (const candidate of ports) {
    const http = open(candidate);
    try {
      const bound = await http.listen();
      return { http, url: bound.url, address: new URL(bound.url).host };
    } catch (error) {
      await http.close();
      if (candidate === ports.at(-1)) throw error;
    }
  }
  throw new Error('no port was tried');
}

function readDaemonJson(file: string): DaemonJson | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DaemonJson;
  } catch {
    return undefined;
  }
}

/** @throws STATE_DIR_UNUSABLE */
function writeDaemonJson(file: string, content: DaemonJson & Record<string, unknown>): void {
  try {
    writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw failure('STATE_DIR_UNUSABLE', { folder: file, why: sentenceOf(error) }, { cause: error });
  }
}
