import { closeSync, mkdirSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join } from 'node:path';
import { PULSE_MS, type Clock } from '../clock.ts';
import type { ComponentName } from '../model/index.ts';
import type { Account } from './account.ts';
import { OutputFile, touch, type OutputMark } from './output-file.ts';
import type { LogPolicy } from './schema.ts';

export type StreamName = 'stdout' | 'stderr';
const streams = ['stdout', 'stderr'] as const;

const FOLDER_MODE = 0o700;
const fileOf = (place: string, stream: StreamName) => join(place, `${stream}.log`);

/** What one life writes to: descriptors for the child, and its own part of the files. */
export interface LifeOutput {
  readonly fds: Readonly<Record<StreamName, number>>;
  tail(stream: StreamName, bytes: number): string;
}

/**
 * The output files of all components, `FOLDER/COMPONENT/stdout.log` and `stderr.log`, each opened once and rotated
 * at the size and age its policy says.
 */
export interface Output {
  /** Makes the files where there are none yet, beside whatever else goes on. Never rejects: `begin` tries again. */
  prepare(component: ComponentName): Promise<void>;
  /**
   * Begins a life. Does not throw: when the files cannot be opened the output is thrown away and the problem told,
   * for a component without logs is better than none.
   * @param owner whom the files are to belong to; null leaves them as they are.
   */
  begin(component: ComponentName, policy: LogPolicy, owner?: Account | null): LifeOutput;
  /** Closes the files of a component that was removed. A child that still runs keeps its own descriptors. */
  forget(component: ComponentName): Promise<void>;
  close(): Promise<void>;
}

/** From where to where one life has written; the next one's begin is its end. */
interface Life {
  readonly begins: Readonly<Record<StreamName, OutputMark>>;
  ends: Life['begins'] | null;
}

interface Entry {
  policy: LogPolicy;
  current: Life | null;
  readonly files: Readonly<Record<StreamName, OutputFile>>;
}

export function createOutput(deps: {
  readonly folder: string;
  readonly clock: Clock;
  readonly onProblem: (what: string, error: unknown) => void;
}): Output {
  const { folder, clock, onProblem } = deps;
  const entries = new Map<ComponentName, Entry>();
  let stopTimer: (() => void) | null = null;
  let dueAt = Infinity;
  /** Before that no file may be looked at. */
  let mayAt = 0;
  let endPulse: (() => void) | null = null;
  let nowhere: number | null = null;

  const schedule = () => {
    let soonest = Infinity;
    mayAt = Infinity;
    for (const { files } of entries.values()) {
      soonest = Math.min(soonest, files.stdout.dueAt, files.stderr.dueAt);
      mayAt = Math.min(mayAt, files.stdout.mayAt, files.stderr.mayAt);
    }
    if (stopTimer && dueAt <= soonest) return;
    stopTimer?.();
    stopTimer = null;
    const waitMs = soonest - clock.monotonic();
    // What has time is looked at when this process is awake anyway.
    if (waitMs >= PULSE_MS / 2) return;
    dueAt = soonest;
    stopTimer = clock.after(Math.max(0, waitMs), look);
  };

  const look = () => {
    stopTimer?.();
    stopTimer = null;
    const now = clock.monotonic();
    for (const { policy, files } of entries.values()) {
      if (files.stdout.mayAt <= now) files.stdout.look(policy);
      if (files.stderr.mayAt <= now) files.stderr.look(policy);
    }
    schedule();
  };

  const forget = async (component: ComponentName) => {
    const entry = entries.get(component);
    entries.delete(component);
    if (entry) await Promise.all(streams.map((stream) => entry.files[stream].close()));
  };

  const open = (component: ComponentName, policy: LogPolicy): Entry => {
    const place = join(folder, component);
    mkdirSync(place, { recursive: true, mode: FOLDER_MODE });
    const make = (stream: StreamName) => new OutputFile(fileOf(place, stream), clock, { onStir: schedule, onProblem });
    const stdout = make('stdout');
    const entry: Entry = {
      policy,
      current: null,
      files: { stdout, stderr: make('stderr') },
    };
    entries.set(component, entry);
    endPulse ??= clock.every(PULSE_MS, () => {
      if (clock.monotonic() >= mayAt) look();
    });
    schedule();
    return entry;
  };

  const beginIn = ({ files: { stdout, stderr } }: Entry, owner: Account | null): Life | null => {
    const [out, err] = [stdout.begin(owner), stderr.begin(owner)];
    return out && err && { begins: { stdout: out, stderr: err }, ends: null };
  };

  /** In the files that are open, or in new ones when somebody has deleted those. */
  const beginLife = (component: ComponentName, policy: LogPolicy, owner: Account | null) => {
    const known = entries.get(component);
    const goesOn = known && beginIn(known, owner);
    if (goesOn) return { entry: known, life: goesOn };
    void forget(component);
    const entry = open(component, policy);
    const life = beginIn(entry, owner);
    if (!life) throw new Error('they are deleted as soon as they are made');
    return { entry, life };
  };

  return {
    async prepare(component) {
      const place = join(folder, component);
      await mkdir(place, { recursive: true, mode: FOLDER_MODE })
        .then(() => Promise.all(streams.map((stream) => touch(fileOf(place, stream)))))
        .catch(() => undefined);
    },
    begin(component, policy, owner = null) {
      try {
        const { entry, life } = beginLife(component, policy, owner);
        const { stdout, stderr } = entry.files;
        entry.policy = policy;
        if (entry.current) entry.current.ends = life.begins;
        entry.current = life;
        return {
          fds: { stdout: stdout.fd, stderr: stderr.fd },
          tail: (stream, bytes) => entry.files[stream].tail(life.begins[stream], life.ends?.[stream] ?? null, bytes),
        };
      } catch (error) {
        onProblem(`the output of "${component}" is thrown away: its files cannot be opened`, error);
        nowhere ??= openSync(devNull, 'r+');
        return { fds: { stdout: nowhere, stderr: nowhere }, tail: () => '' };
      }
    },
    forget,
    async close() {
      stopTimer?.();
      stopTimer = null;
      endPulse?.();
      endPulse = null;
      if (nowhere !== null) closeSync(nowhere);
      nowhere = null;
      await Promise.all([...entries.keys()].map(forget));
    },
  };
}
