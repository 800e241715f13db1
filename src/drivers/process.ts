import type { Clock } from '../clock.ts';
import type { ComponentName, Exit } from '../model/index.ts';
import { createAdoptedWatch } from './adopted.ts';
import type { Driver, StartPlan } from './driver.ts';
import { groupGone, killGroup } from './group.ts';
import { nodeLauncher, type Child, type Launcher } from './launcher.ts';
import { createOutput } from './output.ts';
import { posixLauncher } from './posix-spawn.ts';
import { identify, sameProcess } from './proc.ts';
import { createRunning } from './running.ts';
import { spawnFailure } from './spawn-failure.ts';
import { createSweep } from './sweep.ts';

/** What a crash left outside its group is looked for when the restart has had its turn. */
const SWEEP_AFTER_CRASH_MS = 50;

/** Runs components as child processes, each the leader of its own session and process group. */
export interface ProcessDriver extends Driver {
  readonly kind: 'process';
  /** Closes the output files of a component that was removed from the configuration. */
  forget(component: ComponentName): Promise<void>;
  /** Ends timers and closes files; the children go on running, and no longer keep this process alive. Idempotent. */
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
  let closed = false;

  /** Settles on the event itself when the group is empty: between a death and the next start nothing else happens. */
  const endOf = (child: Child, plan: StartPlan): Promise<Exit> =>
    new Promise((resolve) => {
      child.onExit((exit) => {
        children.delete(child);
        if (killGroup(child.pid)) {
          void groupGone(child.pid, clock).then((gone) => {
            if (!gone) onProblem(`"${plan.component}" has left processes behind that do not end`, null);
            resolve(exit);
          });
        } else resolve(exit);
        if (!closed) clock.after(SWEEP_AFTER_CRASH_MS, () => void sweep(plan.incarnation));
      });
    });

  return {
    kind: 'process',

    async start(plan) {
      const life = output.begin(plan.component, plan.logs);
      const [program = '', ...args] = plan.command;
      const { stdout, stderr } = life.fds;
      try {
        const child = await launcher.launch({ program, args, cwd: plan.cwd, env: plan.env, stdout, stderr });
        children.add(child);
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

    adopt(plan, identity) {
      if (!sameProcess(identity)) return null;
      const { exited, hurry } = adopted.watch(identity);
      void exited.then(() => {
        if (!closed) clock.after(SWEEP_AFTER_CRASH_MS, () => void sweep(plan.incarnation));
      });
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
      launcher.close();
      for (const child of children) child.unref();
      await output.close();
    },
  };
}
