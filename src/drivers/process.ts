import type { Clock } from '../clock.ts';
import type { Exit, IncarnationId } from '../model/index.ts';
import { asAccount, findAccount, ownAccount, type Account } from './account.ts';
import { createAdoptedWatch } from './adopted.ts';
import type { Driver, RecordedRun, StartPlan } from './driver.ts';
import { groupGone, killGroup } from './group.ts';
import { nodeLauncher, type Child, type Launcher } from './launcher.ts';
import { renice } from './nice.ts';
import { reapOrphans } from './orphans.ts';
import { createOutput } from './output.ts';
import { posixLauncher } from './posix-spawn.ts';
import { identify, sameProcess } from './proc.ts';
import { expectProgram } from './program.ts';
import { createRunning, type RunningProcess } from './running.ts';
import { spawnFailure } from './spawn-failure.ts';
import { createSweep } from './sweep.ts';

/** What a crash left outside its group is looked for when the restart has had its turn. */
const SWEEP_AFTER_CRASH_MS = 50;

/** Runs components as child processes, each the leader of its own session and process group. */
export interface ProcessDriver extends Driver {
  readonly kind: 'process';
  /** Makes the files that its output goes to. */
  prepare(plan: Pick<StartPlan, 'component'>): Promise<void>;
  start(plan: StartPlan): Promise<RunningProcess>;
  adopt(
    plan: Pick<StartPlan, 'component' | 'incarnation' | 'logs'>,
    recorded: Pick<RecordedRun, 'process'>,
  ): RunningProcess | null;
  /**
   * Ends timers, closes files, and ends what dead children have left behind; those that live go on running, and no
   * longer keep this process alive. Idempotent.
   */
  close(): Promise<void>;
}

export interface ProcessDriverDeps {
  /** Absolute; each component has a folder in it with `stdout.log` and `stderr.log`. */
  readonly logsFolder: string;
  readonly clock: Clock;
  /** Told of what goes wrong without anybody waiting for an answer; must not throw. */
  readonly onProblem: (what: string, error: unknown) => void;
  /** How processes are made; the fastest way of this system unless given. */
  readonly launcher?: Launcher;
}

/**
 * Makes the driver of child processes. Children write to files through their own descriptors and belong to
 * sessions of their own, so that the death of this process does not touch them.
 */
export function createProcessDriver({ logsFolder, clock, onProblem, ...rest }: ProcessDriverDeps): ProcessDriver {
  const output = createOutput({ folder: logsFolder, clock, onProblem });
  const adopted = createAdoptedWatch(clock);
  const sweep = createSweep();
  const children = new Set<Child>();
  const launcher = rest.launcher ?? posixLauncher() ?? nodeLauncher((pid, error) => onProblem(`process ${pid}`, error));
  const endReaping = process.pid === 1 ? reapOrphans({ launcher, clock, onProblem }) : () => {};
  /** Lives that have ended and are still to be swept after. */
  const owed = new Set<IncarnationId>();
  let closed = false;

  const sweepSoon = (incarnation: IncarnationId) => {
    if (closed) return;
    owed.add(incarnation);
    clock.after(SWEEP_AFTER_CRASH_MS, () => {
      if (owed.delete(incarnation)) void sweep(incarnation);
    });
  };

  /** Settles on the event itself when the group is empty: between a death and the next start nothing else happens. */
  const endOf = (child: Child, plan: StartPlan): Promise<Exit> =>
    new Promise((resolve) => {
      child.onExit((exit) => {
        children.delete(child);
        if (launcher.killGroup?.(child.pid) ?? killGroup(child.pid)) {
          void groupGone(child.pid, clock).then((gone) => {
            if (!gone) onProblem(`"${plan.component}" has left processes behind that do not end`, null);
            resolve(exit);
          });
        } else resolve(exit);
        sweepSoon(plan.incarnation);
      });
    });

  const giveShare = (pid: number, { component, nice }: StartPlan) => {
    try {
      if (nice !== undefined) renice(pid, nice);
    } catch (error) {
      onProblem(`"${component}" runs, but not with nice ${nice}`, error);
    }
  };

  return {
    kind: 'process',

    prepare: ({ component }) => output.prepare(component),

    async start(plan) {
      try {
        const account = accountOf(plan);
        const life = output.begin(plan.component, plan.logs, account ?? ownAccount());
        const [program = '', ...args] = commandFor(plan, account);
        const { stdout, stderr } = life.fds;
        const child = await launcher.launch({ program, args, cwd: plan.cwd, env: plan.env, stdout, stderr });
        children.add(child);
        giveShare(child.pid, plan);
        return createRunning(
          {
            identity: identify(child.pid),
            incarnation: plan.incarnation,
            adopted: false,
            exited: endOf(child, plan),
            output: life,
            isOurs: () => !child.ended,
            hurry: () => undefined,
          },
          { clock, sweep },
        );
      } catch (error) {
        throw spawnFailure(plan, error);
      }
    },

    adopt(plan, { process: identity }) {
      if (identity === null || !sameProcess(identity)) return null;
      const { exited, hurry } = adopted.watch(identity);
      void exited.then(() => sweepSoon(plan.incarnation));
      return createRunning(
        {
          identity,
          incarnation: plan.incarnation,
          adopted: true,
          exited,
          output: output.begin(plan.component, plan.logs),
          isOurs: () => sameProcess(identity),
          hurry,
        },
        { clock, sweep },
      );
    },

    forget: (component) => output.forget(component),

    async close() {
      closed = true;
      adopted.close();
      endReaping();
      launcher.close();
      for (const child of children) child.unref();
      await Promise.all([output.close(), ...[...owed].map(sweep)]);
    },
  };
}

/** Looked up at each start, for users come and go. @throws the sentence when there is no such user. */
function accountOf(plan: StartPlan): Account | null {
  const account = findAccount(plan);
  if (typeof account === 'string') throw new Error(account);
  return account;
}

function commandFor({ command, cwd, env }: StartPlan, account: Account | null): readonly string[] {
  if (account === null) return command;
  expectProgram(command[0] ?? '', cwd, env['PATH']);
  return asAccount(account, command);
}
