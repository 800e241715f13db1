import { constants } from 'node:os';
import type { EngineVerdict, Exit, ProcessUsage } from '../model/index.ts';
import type { Driver, EngineHealth, StartPlan } from './driver.ts';
import { createEngineDriver, PERHAPS, type Engine, type EngineDeps, type Seen, type SeenEnded } from './engine.ts';
import { identify, readStat, systemBootId } from './proc.ts';
import { runCommand, type CommandEnd, type CommandOptions } from './run-command.ts';
import type { SettingsOf } from './schema.ts';

export interface SystemdDeps extends EngineDeps {
  /** Where `systemctl` is looked for, and what it needs to find the manager of the user. */
  readonly env?: NodeJS.ProcessEnv;
}

const PASSED_ON = ['PATH', 'HOME', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS'];
const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'MainPID',
  'InvocationID',
  'ExecMainCode',
  'ExecMainStatus',
  'MemoryCurrent',
  'CPUUsageNSec',
  'TasksCurrent',
] as const;
type Unit = Readonly<Record<(typeof PROPERTIES)[number], string>>;

const ENDED = new Set(['inactive', 'failed']);
const JOURNAL_LINES = 200;

/** Makes the driver of units of systemd, by `systemctl`: its answers are the same on every version, as D-Bus is not at hand everywhere. */
export function createSystemdDriver({ env = process.env, ...deps }: SystemdDeps): Driver {
  const passed = Object.fromEntries(PASSED_ON.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const open = (plan: StartPlan) => see(plan, plan.engine as SettingsOf<'systemd'>, { ...passed, LC_ALL: 'C' }, deps);
  return createEngineDriver('systemd', open, deps);
}

type Options = Partial<Pick<CommandOptions, 'timeoutMs' | 'signal'>>;

function see(
  { startTimeoutMs }: StartPlan,
  { unit, user, interval, timeout }: SettingsOf<'systemd'>,
  env: Readonly<Record<string, string>>,
  { clock }: EngineDeps,
): Engine {
  const scope = user ? ['--user'] : ['--system'];
  let last: Unit | null = null;
  let cpuBefore: { readonly atMs: number; readonly usedMs: number } | null = null;

  const systemctl = (args: readonly string[], options: Options = {}): Promise<CommandEnd> => {
    const command = ['systemctl', ...scope, '--no-ask-password', ...args];
    return runCommand(command, { cwd: '/', env, timeoutMs: timeout, ...options });
  };

  const must = async (args: readonly string[], options?: Options): Promise<string> => {
    const { code, stdout, stderr } = await systemctl(args, options);
    if (code !== 0) throw new Error(`systemctl ${args[0]}: ${lastLine(stderr) || `exit code ${code}`}`);
    return stdout;
  };

  const show = async (signal?: AbortSignal): Promise<Unit> => {
    const told = propertiesOf(await must(['show', `--property=${PROPERTIES.join(',')}`, '--', unit], { signal }));
    if (!told) throw new Error('systemctl show: the answer cannot be read');
    return (last = told);
  };

  const look = async (signal?: AbortSignal): Promise<Seen> => seenOf(await show(signal));

  return {
    name: user ? `${unit} (user)` : unit,
    bootId: systemBootId,
    everyMs: interval,
    look,

    async start(seen, signal) {
      if (seen.is === 'running') return seen;
      const { LoadState, ActiveState } = last ?? (await show());
      if (LoadState !== 'loaded') throw new Error(refusals[LoadState] ?? `systemd says that it is ${LoadState}`);
      // A limit of systemd's own would refuse what our budget allows.
      if (ActiveState === 'failed') await systemctl(['reset-failed', '--', unit]);
      try {
        await must(['start', '--', unit], { timeoutMs: Math.max(timeout, startTimeoutMs), signal });
      } catch (error) {
        // Its job goes on without the one who asked for it; that of a stop takes its place.
        if (signal.aborted) return PERHAPS;
        throw error;
      }
      const now = await look();
      if (now.is === 'running') return now;
      throw new Error(`systemd started it, and it ended at once (${wordsFor(now)})`);
    },

    stop: async () => void (await must(['stop', '--no-block', '--', unit])),

    async kill() {
      await must(['kill', '--signal=SIGKILL', '--', unit]);
      // Or `Restart=` brings it back.
      await must(['stop', '--no-block', '--', unit]);
    },

    async usage(): Promise<ProcessUsage | null> {
      if (!last) return null;
      const memory = numberOf(last.MemoryCurrent);
      const cpu = numberOf(last.CPUUsageNSec);
      const now = cpu === null ? null : { atMs: clock.monotonic(), usedMs: cpu / 1e6 };
      const cpuRatio =
        cpuBefore && now && now.atMs > cpuBefore.atMs
          ? (now.usedMs - cpuBefore.usedMs) / (now.atMs - cpuBefore.atMs)
          : null;
      cpuBefore = now;
      return { cpuRatio, residentBytes: memory, openFds: null, processes: numberOf(last.TasksCurrent) ?? 0 };
    },

    async readOutput() {
      const run = last?.InvocationID;
      if (!run) return { stdout: '', stderr: '' };
      // The journal of a user's manager knows the run of that manager only.
      const which = user ? [`--user-unit=${unit}`] : [`_SYSTEMD_INVOCATION_ID=${run}`];
      const command = ['journalctl', ...scope, '--no-pager', '--output=cat', `--lines=${JOURNAL_LINES}`, ...which];
      const { stdout } = await runCommand(command, { cwd: '/', env, timeoutMs: timeout });
      return { stdout: '', stderr: stdout };
    },
  };
}

const refusals: Readonly<Record<string, string>> = {
  'not-found': 'systemd knows no unit of this name',
  masked: 'the unit is masked (systemctl unmask)',
  'bad-setting': 'its unit file has an error (systemd-analyze verify)',
  error: 'its unit file cannot be loaded (systemd-analyze verify)',
};

function propertiesOf(text: string): Unit | null {
  const found = new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)] as const] : [];
    }),
  );
  if (!found.has('ActiveState') || !found.has('LoadState')) return null;
  return Object.fromEntries(PROPERTIES.map((name) => [name, found.get(name) ?? ''])) as Unit;
}

function seenOf(told: Unit): Seen {
  const { ActiveState, SubState, InvocationID, MainPID } = told;
  // Between two runs of its own `Restart=` nothing runs.
  const isPending = SubState.startsWith('auto-restart');
  if (isPending || ENDED.has(ActiveState))
    return { is: 'ended', exit: exitOf(told), verdict: verdictOf(told), isPending };
  const pid = numberOf(MainPID) ?? 0;
  const process = pid > 0 && readStat(pid) ? identify(pid) : null;
  return { is: 'running', run: InvocationID || null, process, health: healthOf(told) };
}

function healthOf({ ActiveState, SubState }: Unit): EngineHealth {
  const message = `${ActiveState} (${SubState})`;
  return { status: ActiveState === 'active' ? 'healthy' : 'degraded', message };
}

/** `ExecMainCode`: 1 it left by itself, 2 and 3 a signal ended it; 0 no main process has run. */
function exitOf({ ExecMainCode, ExecMainStatus }: Unit): Exit {
  const [how, status] = [Number(ExecMainCode), Number(ExecMainStatus)];
  if (how === 1) return { code: status, signal: null };
  const name = Object.entries(constants.signals).find(([, number]) => number === status)?.[0] ?? null;
  return { code: null, signal: how === 2 || how === 3 ? name : null };
}

const verdictOf = ({ Result }: Unit): EngineVerdict => ({
  oomKilled: Result === 'oom-kill',
  failure: Result === 'success' || Result === '' ? null : Result,
});

function wordsFor({ exit, verdict }: SeenEnded): string {
  const how = exit.signal ?? (exit.code === null ? 'nobody knows how' : `exit code ${exit.code}`);
  return [verdict?.failure, how].filter(Boolean).join(', ');
}

/** Systemd writes `[not set]` or the largest number where it does not know. */
const numberOf = (text: string): number | null =>
  /^\d+$/.test(text) && Number(text) <= Number.MAX_SAFE_INTEGER ? Number(text) : null;

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)?.trim().replace(/\.$/, '') ?? '';
