import type { Driver, StartPlan } from './driver.ts';
import { createEngineDriver, PERHAPS, type Engine, type EngineDeps, type Seen, type SeenRunning } from './engine.ts';
import { createOutput, type Output } from './output.ts';
import { systemBootId } from './proc.ts';
import { runCommand } from './run-command.ts';
import type { SettingsOf } from './schema.ts';
import { createSweep, type Sweep } from './sweep.ts';

/** How often `status` is asked while it comes up. */
const COMING_UP_MS = 200;
/** "The status is not known", by the LSB. */
const NOT_KNOWN = 4;

export interface CommandsDeps extends EngineDeps {
  /** Absolute; as for the driver of processes. */
  readonly logsFolder: string;
}

type Settings = SettingsOf<'commands'>;
type Word = 'start' | 'stop' | 'status' | 'kill';

/** Makes the driver of components that are started, stopped and asked after by commands of their own. */
export function createCommandsDriver({ logsFolder, ...deps }: CommandsDeps): Driver {
  const output = createOutput({ folder: logsFolder, ...deps });
  const sweep = createSweep();
  const open = (plan: StartPlan) => see(plan, plan.engine as Settings, { output, sweep, ...deps });
  return createEngineDriver('commands', open, { ...deps, forget: output.forget, close: output.close });
}

function see(plan: StartPlan, settings: Settings, deps: EngineDeps & { output: Output; sweep: Sweep }): Engine {
  const { component, incarnation, cwd, env, startTimeoutMs } = plan;
  const { clock, sweep } = deps;
  const life = deps.output.begin(component, plan.logs);
  /** Its start was cut off: until it is told to stop, and after that, "status" may know nothing of what it has begun. */
  let cutOff: 'no' | 'untold' | 'told' = 'no';

  /** Resolves with its exit code. What it says goes to the component's output, but not what `status` says. */
  const run = async (word: Word, options: { timeoutMs?: number; signal?: AbortSignal | undefined } = {}) => {
    const fds = word === 'status' ? ({ stdout: 'ignore', stderr: 'ignore' } as const) : life.fds;
    const { code } = await runCommand(settings[word] ?? [], {
      cwd,
      env,
      timeoutMs: settings.timeout,
      ...options,
      ...fds,
    });
    return code;
  };

  const must = async (word: Word, options?: Parameters<typeof run>[1]): Promise<void> => {
    const code = await run(word, options);
    if (code === 0) return;
    const said = life.tail('stderr', 1_000).trimEnd().split('\n').at(-1)?.trim();
    throw new Error(`its "${word}" ended with ${code}${said ? `: ${said}` : ''}`);
  };

  const told = () => {
    if (cutOff === 'untold') cutOff = 'told';
  };

  const look = async (signal?: AbortSignal): Promise<Seen> => {
    if (cutOff === 'untold') return PERHAPS;
    const code = await run('status', { signal });
    if (code === 0) return { is: 'running', run: null };
    if (code === NOT_KNOWN) throw new Error('its "status" ended with 4: it does not know');
    if (cutOff === 'told') await sweep(incarnation);
    const failure = code === 3 ? null : `status_${code}`;
    return { is: 'ended', exit: { code: null, signal: null }, verdict: { oomKilled: null, failure } };
  };

  const comeUp = async (signal: AbortSignal): Promise<SeenRunning> => {
    const deadline = clock.monotonic() + startTimeoutMs;
    for (;;) {
      const seen = await look(signal);
      if (seen.is === 'running') return seen;
      signal.throwIfAborted();
      if (clock.monotonic() >= deadline)
        throw new Error('its "start" ended with 0, but "status" says that it does not run');
      await clock.sleep(COMING_UP_MS);
    }
  };

  return {
    name: component,
    bootId: systemBootId,
    everyMs: settings.interval,
    look,
    async start(seen, signal) {
      if (seen.is === 'running') return seen;
      try {
        await must('start', { signal });
        return await comeUp(signal);
      } catch (error) {
        if (signal.aborted) {
          cutOff = 'untold';
          return PERHAPS;
        }
        // The next start would bring up a second one beside what is left of this.
        await sweep(incarnation);
        throw error;
      }
    },
    async stop({ timeout }) {
      try {
        await must('stop', { timeoutMs: Math.min(timeout, settings.timeout) });
      } finally {
        told();
      }
    },
    async kill() {
      told();
      if (settings.kill) return must('kill');
      await sweep(incarnation);
      // Somebody else may have started it: then nothing of it carries the incarnation.
      if ((await run('status')) === 0) await must('stop');
    },
    outputTail: (stream, bytes) => life.tail(stream, bytes),
  };
}
