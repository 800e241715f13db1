import { spawn, type ChildProcess } from 'node:child_process';
import type { Clock } from '../clock.ts';
import type { ComponentName, Exit } from '../model/index.ts';
import { createAdoptedWatch } from './adopted.ts';
import type { Driver, StartPlan } from './driver.ts';
import { groupGone, killGroup } from './group.ts';
import { createOutput } from './output.ts';
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
}

/**
 * Makes the driver of child processes. Children write to files through their own descriptors and belong to
 * sessions of their own, so that the death of this process does not touch them.
 */
export function createProcessDriver({ logsFolder, clock, onProblem }: ProcessDriverDeps): ProcessDriver {
  const output = createOutput({ folder: logsFolder, clock, onProblem });
  const adopted = createAdoptedWatch(clock);
  const sweep = createSweep();
  const children = new Set<ChildProcess>();
  let closed = false;

  const launch = (plan: StartPlan): { child: ChildProcess; life: ReturnType<typeof output.begin> } => {
    const life = output.begin(plan.component, plan.logs);
    const [program = '', ...args] = plan.command;
    const child = spawn(program, args, {
      cwd: plan.cwd,
      env: plan.env,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', life.fds.stdout, life.fds.stderr],
    });
    return { child, life };
  };

  /** Settles on the event itself when the group is empty: between a death and the next start nothing else happens. */
  const endOf = (child: ChildProcess, pid: number, plan: StartPlan): Promise<Exit> =>
    new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        children.delete(child);
        const exit = { code, signal };
        if (killGroup(pid)) {
          void groupGone(pid, clock).then((gone) => {
            if (!gone) onProblem(`"${plan.component}" has left processes behind that do not end`, null);
            resolve(exit);
          });
        } else resolve(exit);
        if (!closed) clock.after(SWEEP_AFTER_CRASH_MS, () => void sweep(plan.incarnation));
      });
    });

  return {
    kind: 'process',

    start(plan) {
      return new Promise((resolve, reject) => {
        try {
          const { child, life } = launch(plan);
          child.on('error', (error) => {
            if (child.pid === undefined) reject(spawnFailure(plan, error));
            else onProblem(`"${plan.component}" (pid ${child.pid})`, error);
          });
          const { pid } = child;
          if (pid === undefined) return;
          children.add(child);
          const running = createRunning(
            {
              identity: identify(pid),
              incarnation: plan.incarnation,
              adopted: false,
              exited: endOf(child, pid, plan),
              output: life,
              // Until its exit was told, the pid waits as a zombie and is given to nobody else.
              isOurs: () => child.exitCode === null && child.signalCode === null,
              hurry: () => undefined,
            },
            { clock, sweep },
          );
          resolve(running);
        } catch (error) {
          reject(spawnFailure(plan, error));
        }
      });
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
      for (const child of children) child.unref();
      await output.close();
    },
  };
}
