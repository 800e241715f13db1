import { existsSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { failure, sentenceOf } from '../errors.ts';
import { allowCompilers, collectLater, stayFrugal } from '../footprint.ts';
import type { StatusView } from '../supervisor/api.ts';
import { configFile, withConfig, type Where } from './options.ts';
import { onSignals } from './signals.ts';
import { paint } from './terminal.ts';

interface StartOptions extends Where {
  readonly recoveryMode?: boolean;
  readonly detach?: boolean;
  readonly service?: boolean;
}

const MOST_NAMES = 8;
const INTERRUPTED = 130;

/** How the command line is called by whoever started us: npm scripts find it, a shell may not. */
const CALL = process.env['npm_lifecycle_event'] === undefined ? 'paramedic' : 'npm run -s paramedic --';

/** What is said when the daemon runs. `file` as the user named it; commands need it when it is not the default. */
function banner(status: StatusView, url: string, file: string | undefined): string {
  const names = status.components.map(({ name }) => name);
  const listed = names.length > MOST_NAMES ? [...names.slice(0, MOST_NAMES), '…'] : names;
  const where = file === undefined ? '' : ` --config ${file}`;
  const tries = ['status', 'events -f', ...(names[0] === undefined ? [] : [`explain ${names[0]}`]), 'stop'];
  const lines = [
    ['open', `${url}/metrics  ${url}/healthz?verbose`],
    ['logs', `${status.state_dir}/logs`],
    ...tries.map((command, index) => [index === 0 ? 'try' : '', `${CALL} ${command}${where}`]),
  ];
  return [
    `paramedic ${status.version} (pid ${status.pid}) supervises ${names.length === 0 ? 'nothing yet' : `${names.length}: ${listed.join(', ')}`}`,
    ...lines.map(([what = '', text = '']) => `  ${paint('bold', what.padEnd(5))} ${text}`),
  ].join('\n');
}

/** A closed terminal must not end what supervises. */
function outliveTheTerminal(): void {
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners('error').on('error', () => {});
}

/**
 * What V8 has compiled is kept in the state folder, once there is one: a daemon that comes back after its death is
 * there a tenth of a second sooner. Not in a temporary folder, where others could leave code for us.
 */
async function rememberCompiled(file: string): Promise<void> {
  const { stateDirOf } = await import('../config/source.ts');
  try {
    const stateDir = stateDirOf(file);
    if (existsSync(stateDir)) enableCompileCache(join(stateDir, 'compiled'));
  } catch {
    // What is wrong with the file is told when it is loaded.
  }
}

async function runHere(options: StartOptions): Promise<never> {
  const { startStateThread } = await import('../supervisor/state-thread-ahead.ts');
  const stateThread = startStateThread();
  const file = configFile(options);
  await rememberCompiled(file);
  // All at once: while one file is read, another is compiled.
  const [{ loadConfig }, { startDaemon }, { trimMalloc }] = await Promise.all([
    import('../config/index.ts'),
    import('../daemon.ts'),
    import('../drivers/index.ts'),
    stateThread.loaded,
  ]);
  stayFrugal();
  const loaded = loadConfig(file);
  outliveTheTerminal();

  const starting = startDaemon({
    loaded,
    reload: () => loadConfig(file),
    recoveryMode: options.recoveryMode ?? false,
    service: options.service ?? false,
    stateThread: stateThread.thread,
  });
  // A signal that comes during the boot waits for its end: only then there is something to stop.
  const later = (act: (daemon: Awaited<typeof starting>) => unknown) => () =>
    void starting.then(act).catch((error: unknown) => console.error(sentenceOf(error)));
  onSignals({
    stop: later((daemon) => daemon.requestStop({ keepComponents: false })),
    reload: later((daemon) => daemon.reload()),
    abandon: () => process.exit(INTERRUPTED),
  });
  const daemon = await starting;
  // Now, because whoever is killed has no last moment to do it in.
  allowCompilers(flushCompileCache);
  collectLater(trimMalloc);
  console.log(banner(daemon.status(), daemon.url, options.config));
  process.exit(await daemon.stopped);
}

async function runDetached(options: StartOptions): Promise<void> {
  if (options.service)
    throw failure('USAGE', {
      why: '--service and --detach exclude each other: a service manager waits for us itself.',
    });
  const file = configFile(options);
  const [{ loadConfig }, { detach }] = await Promise.all([import('../config/index.ts'), import('./detach.ts')]);
  const { config } = loadConfig(file);
  const recovery = options.recoveryMode ? ['--recovery-mode'] : [];
  process.exitCode = await detach(config.state_dir, ['start', '--config', resolve(file), ...recovery]);
}

export function addStart(program: Command): void {
  withConfig(program.command('start'))
    .description('start what is configured and keep it alive, until SIGINT or SIGTERM')
    .option('--recovery-mode', 'choose the newest valid checkpoints first, then start what is needed most')
    .option('--detach', 'run in the background; done when it supervises')
    .option('--service', 'tell the service manager that has started it (systemd) how it is')
    .action((options: StartOptions) => (options.detach ? runDetached(options) : runHere(options)));
}
