import { homedir } from 'node:os';
import { InvalidArgumentError, type Command } from 'commander';
import type { Place, Scope, ServiceManager } from '../service/index.ts';
import { failure } from '../errors.ts';
import { connect } from './client.ts';
import { readDaemonFile } from './daemon-file.ts';
import { configFile, withConfig, withDaemon, type Where } from './options.ts';
import { stopDaemon } from './stop.ts';

interface Named {
  readonly name: string;
  readonly user?: boolean;
}

interface InstallOptions extends Where, Named {
  readonly now?: boolean;
  readonly print?: boolean;
  readonly runAs?: string;
}

const scopeOf = ({ user }: Named): Scope => (user ? 'user' : 'system');

function serviceName(text: string): string {
  const name = text.replace(/\.service$/, '');
  if (/^[A-Za-z0-9][\w.:-]{0,199}$/.test(name)) return name;
  throw new InvalidArgumentError('Expected letters, digits, ".", ":", "_" and "-".');
}

const withName = (command: Command): Command =>
  command
    .option('--name <name>', 'what the service is called', serviceName, 'paramedic')
    .option('--user', "a service of this user's own, not of the system");

async function find(named: Named): Promise<{ place: Place; manager: ServiceManager }> {
  const { managerOf, runner } = await import('../service/index.ts');
  const { env, platform } = process;
  const place = { platform, env, home: homedir(), uid: process.getuid?.() ?? 0, run: runner(env) };
  return { place, manager: managerOf(place, named.name, scopeOf(named)) };
}

async function install(options: InstallOptions): Promise<void> {
  if (options.user && options.runAs !== undefined)
    throw failure('USAGE', { why: '--run-as is for a service of the system; one of your own has your rights.' });
  const [{ loadConfig }, { gatherFacts, requireManager, requireRights }] = await Promise.all([
    import('../config/index.ts'),
    import('../service/index.ts'),
  ]);
  const file = configFile(options);
  const { config } = loadConfig(file);
  const scope = scopeOf(options);
  const { place, manager } = await find(options);
  const { name, runAs, now = false } = options;
  const text = manager.text(gatherFacts({ name, scope, runAs, config: file, stateDir: config.state_dir }, place.run));
  if (options.print) return void process.stdout.write(text);

  requireManager(place, scope);
  requireRights(place, scope, 'install');
  const daemon = readDaemonFile(config.state_dir);
  if (now && daemon && !manager.active())
    throw failure('ALREADY_RUNNING', { folder: config.state_dir, pid: daemon.pid });
  manager.install(text, now);
  const when = scope === 'user' ? 'your session' : 'the machine';
  console.log(`${manager.file} is written: ${name} ${now ? 'runs, and ' : ''}starts with ${when}`);
  if (scope === 'user' && place.platform === 'linux')
    console.log('It ends with your last session, unless `loginctl enable-linger` lets it stay.');
}

/** The manager that answers. @throws NO_SERVICE_MANAGER */
async function required(named: Named): Promise<{ place: Place; manager: ServiceManager }> {
  const found = await find(named);
  const { requireManager } = await import('../service/index.ts');
  requireManager(found.place, scopeOf(named));
  return found;
}

async function uninstall(named: Named): Promise<void> {
  const { place, manager } = await required(named);
  const { requireRights } = await import('../service/index.ts');
  requireRights(place, scopeOf(named), 'uninstall');
  manager.uninstall();
  console.log(`${manager.file} is removed; components that ran keep running: \`paramedic start\` adopts them`);
}

async function start(named: Named): Promise<void> {
  (await required(named)).manager.start();
  console.log(`${named.name} runs`);
}

async function restart(named: Named): Promise<void> {
  (await required(named)).manager.restart();
  console.log(`${named.name} runs anew`);
}

async function stop({ withComponents, ...options }: Named & Where & { withComponents?: boolean }): Promise<void> {
  const { manager } = await required(options);
  // Its manager would start it again a second later: until then it is stopped there too.
  if (withComponents) await stopDaemon(await connect(options), false);
  manager.stop();
  console.log(`${options.name} is stopped${withComponents ? ' with its components' : ''}`);
}

async function status(named: Named): Promise<void> {
  const { text, active } = (await required(named)).manager.status();
  console.log(text);
  if (!active) process.exitCode = 3;
}

export function addService(program: Command): void {
  const command = program.command('service').description('a daemon that starts with the machine (systemd, launchd)');
  withName(withConfig(command.command('install')))
    .description('write the unit (or the property list) of a service and let it start with the machine')
    .option('--run-as <user>', 'whose rights it has (default: those of the owner of the configuration file)')
    .option('--now', 'start it at once, or restart it with what is new')
    .option('--print', 'show what would be written, and do nothing')
    .action(install);
  withName(command.command('uninstall'))
    .description('stop it and remove it; its components keep running')
    .action(uninstall);
  withName(command.command('start')).description('start it').action(start);
  withName(withDaemon(command.command('stop')))
    .description('stop it; its components keep running, and the next start adopts them')
    .option('--with-components', 'stop the components first')
    .action(stop);
  withName(command.command('restart')).description('restart it; its components keep running').action(restart);
  withName(command.command('status')).description('what the service manager says of it').action(status);
}
