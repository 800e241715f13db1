import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { engineKinds, type DriverKind, type EngineKind } from '../model/index.ts';
import { duration, size } from '../units.ts';

/** Inherited unless the configuration says otherwise: what a program needs to find its tools and its home. */
const INHERITED =
  process.platform === 'win32'
    ? ['PATH', 'PATHEXT', 'SystemRoot', 'TEMP', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA']
    : ['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR'];

export const stopSchema = z
  .strictObject({
    signal: z
      .enum(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGKILL'])
      .default('SIGTERM')
      .describe('Signal that asks the process to stop.'),
    timeout: duration().default(10_000).describe('Time to leave by itself; then the whole process tree is killed.'),
  })
  .describe('How a component is stopped.');

export const logsSchema = z
  .strictObject({
    max_size: size()
      .default(10 * 2 ** 20)
      .describe('Size at which an output file is rotated.'),
    max_age: duration()
      .optional()
      .describe('Age of its first byte at which an output file is rotated, however small it is; by default never.'),
    keep: z.number().int().min(0).default(5).describe('Rotated files kept for each stream, compressed or not.'),
    gzip: z.boolean().default(false).describe('Compress rotated files: NAME.1.gz and so on.'),
  })
  .describe('Where its output goes: state_dir/logs/NAME/stdout.log and stderr.log, rotated.');

const account = () =>
  z
    .union([z.string().min(1), z.number().int().min(0)])
    .transform(String)
    .optional();

/** How a component runs as a child process. */
export const processSchema = {
  command: z
    .array(z.string().min(1), { error: () => 'expected a list: the program and its arguments' })
    .min(1, { error: () => 'expected a program to run' })
    .optional()
    .describe('The program and its arguments; never through a shell.'),
  cwd: z.string().default('.').describe('Working folder, relative to the configuration file.'),
  env: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .default({})
    .describe('Environment variables set for it.'),
  env_inherit: z
    .array(z.string())
    .default(INHERITED)
    .describe("Variables taken over from the daemon's environment; nothing else is."),
  user: account().describe(
    "User it runs as, by name or number, with that user's groups and none of the daemon's; only for a daemon that runs as root. By default the daemon's own. HOME and TMPDIR are not changed.",
  ),
  group: account().describe("Group it runs as, by name or number; by default the user's primary group."),
  nice: z
    .number()
    .int()
    .min(-20)
    .max(19)
    .optional()
    .describe(
      "Share of the CPU, from -20 (most; below 0 only for a daemon that runs as root) to 19; by default the daemon's own.",
    ),
  stop: stopSchema.prefault({}),
  logs: logsSchema.prefault({}),
} as const;

const program = (description: string) =>
  z
    .array(z.string().min(1), { error: () => 'expected a list: the program and its arguments' })
    .min(1, { error: () => 'expected a program to run' })
    .describe(description);

const commandsSchema = z
  .strictObject({
    start: program('Starts it and ends, with 0 when that went well.'),
    stop: program('Stops it and ends.'),
    status: program(
      'Tells by its exit code whether it runs: 0, it does; 4, that is not known; 3 and any other, it does not (LSB).',
    ),
    kill: program(
      'Ends it at once when "stop" did not do it in time; without it whatever "start" has started is killed, and "stop" is run again if that was not enough.',
    ).optional(),
    timeout: duration().default(30_000).describe('Time that each of the commands has.'),
    interval: duration().default(5_000).describe('How often "status" is asked.'),
  })
  .describe('Runs it by commands of its own, as an init script does.');

const interval = () => duration().default(2_000).describe('How often it is looked at.');
const keepRunning = (preset: boolean) =>
  z
    .boolean()
    .default(preset)
    .describe('When the daemon is stopped it is left running, and taken over by the next daemon.');

const systemdSchema = z
  .strictObject({
    unit: z
      .string()
      .regex(/^[\w:.@\\-]+$/, { error: () => 'expected the name of a unit such as nginx.service' })
      .transform((name) => (/\.[a-z]+$/.test(name) ? name : `${name}.service`))
      .describe('Name of the unit; without an ending it is a service.'),
    user: z.boolean().default(false).describe("A unit of the daemon's own user (`systemctl --user`)."),
    interval: interval(),
    timeout: duration().default(10_000).describe('Time that systemctl has to answer.'),
    keep_running: keepRunning(false),
  })
  .describe('A unit of systemd, which runs it.');

/** What is said of an address of Docker that only a tunnel leads to. */
export const FORWARD_SSH =
  'ssh:// is not spoken here: forward the socket (ssh -nNT -L /PATH/docker.sock:/var/run/docker.sock HOST) and name unix:///PATH/docker.sock';

const containerSchema = z
  .strictObject({
    name: z.string().min(1).describe('Name or id of a container that is there; Paramedic creates none.'),
    host: z
      .string()
      .regex(/^(unix|tcp|https):\/\/./, {
        error: ({ input }) =>
          String(input).startsWith('ssh:') ? FORWARD_SSH : 'expected an address such as unix:///var/run/docker.sock',
      })
      .optional()
      .describe(
        'Where Docker is spoken to: unix:///PATH, tcp://HOST:PORT (over TLS with DOCKER_TLS_VERIFY) or https://HOST:PORT; by default DOCKER_HOST, else its usual socket.',
      ),
    interval: interval(),
    timeout: duration().default(10_000).describe('Time that Docker has to answer.'),
    keep_running: keepRunning(false),
  })
  .describe('A container of Docker, or of whatever speaks its API.');

const parentSchema = z
  .string()
  .min(1)
  .transform((name) => ({ name }))
  .describe(
    'A logical component: it lives inside the process of this one, starts and ends with it, and is told over its line when it is to begin anew or to stop.',
  );

const deploymentSchema = z
  .strictObject({
    name: z.string().min(1).describe('Name of the deployment.'),
    namespace: z.string().min(1).optional().describe('Its namespace; by default that of the context, else `default`.'),
    context: z.string().min(1).optional().describe('Context of the kubeconfig; by default its current one.'),
    kubeconfig: z
      .string()
      .min(1)
      .optional()
      .describe('File with addresses and credentials; by default KUBECONFIG, ~/.kube/config, or those of the own pod.'),
    interval: duration().default(5_000).describe('How often it is looked at.'),
    timeout: duration().default(10_000).describe('Time that Kubernetes has to answer.'),
    keep_running: keepRunning(true),
  })
  .describe('A deployment of Kubernetes; needs the package @kubernetes/client-node beside Paramedic.');

/** How a component runs that is no child process: the engine by its key. */
export const engineSchema = {
  commands: commandsSchema.optional(),
  systemd: systemdSchema.optional(),
  container: containerSchema.optional(),
  deployment: deploymentSchema.optional(),
  parent: parentSchema.optional(),
} as const;

/** The keys of which a component has exactly one. */
export const waysToRun = ['command', ...engineKinds] as const;

type Ways = { readonly [K in EngineKind]?: z.output<(typeof engineSchema)[K]> };

/** What an engine is told of one component. */
export type SettingsOf<K extends EngineKind> = { readonly kind: K } & Readonly<NonNullable<Ways[K]>>;
export type EngineSettings = { [K in EngineKind]: SettingsOf<K> }[EngineKind];

/** What runs a component; undefined: it is a child process. */
export function engineOf(config: Ways): EngineSettings | undefined {
  for (const kind of engineKinds) {
    const settings = config[kind];
    if (settings) return { kind, ...settings } as EngineSettings;
  }
  return undefined;
}

const PLACE = ['name', 'unit', 'user', 'host', 'namespace', 'context', 'kubeconfig'];

/** The part of its settings that says what it is, as opposed to how it is looked after. */
export const placeOf = (engine: EngineSettings): Readonly<Record<string, string | boolean>> =>
  Object.fromEntries(
    PLACE.flatMap((key) => {
      const value = (engine as Readonly<Record<string, unknown>>)[key];
      return typeof value === 'string' || typeof value === 'boolean' ? [[key, value] as const] : [];
    }),
  );

/** Another engine runs it now, or knows it by another name: the next start does not replace what runs. */
export function isElsewhere(before: Ways, now: Ways): boolean {
  const [was, is] = [engineOf(before), engineOf(now)];
  return (
    was?.kind !== is?.kind || (was !== undefined && is !== undefined && !isDeepStrictEqual(placeOf(was), placeOf(is)))
  );
}

/** It stays as it is when the daemon is stopped. */
export function isKeptRunning(config: Ways): boolean {
  const engine = engineOf(config);
  return engine !== undefined && 'keep_running' in engine && engine.keep_running;
}

export function driverKindOf(config: Ways): DriverKind {
  const kind = engineOf(config)?.kind ?? 'process';
  return kind === 'parent' ? 'logical' : kind;
}

export type StopPolicy = z.output<typeof stopSchema>;
export type LogPolicy = z.output<typeof logsSchema>;
