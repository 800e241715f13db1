import { closeSync, mkdirSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { ComponentName } from '../model/index.ts';
import { OutputFile, type OutputMark } from './output-file.ts';
import type { LogPolicy } from './schema.ts';

const LOOK_EVERY_MS = 250;
/** While nobody writes anything: a hundred silent files are not worth four looks a second. */
const LOOK_AT_SILENCE_MS = 1_000;
/** How soon a flooded file is looked at again. */
const SOONEST_MS = 10;

export type StreamName = 'stdout' | 'stderr';
const streams = ['stdout', 'stderr'] as const;

/** What one life writes to: descriptors for the child, and its own part of the files. */
export interface LifeOutput {
  readonly fds: Readonly<Record<StreamName, number>>;
  tail(stream: StreamName, bytes: number): string;
}

/**
 * The output files of all components, `FOLDER/COMPONENT/stdout.log` and `stderr.log`, each opened once and rotated
 * at the size its policy says.
 */
export interface Output {
  /**
   * Begins a life. Does not throw: when the files cannot be opened the output is thrown away and the problem told,
   * for a component without logs is better than none.
   */
  begin(component: ComponentName, policy: LogPolicy): LifeOutput;
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
  const troubled = new Set<string>();
  let stopTimer: (() => void) | null = null;
  let lookedAt = clock.monotonic();
  let nowhere: number | null = null;

  /** A full disk fails every rotation: it is told once, and again after it has worked in between. */
  const ended = (path: string) => (problem: unknown) => {
    if (problem === null) return void troubled.delete(path);
    if (!troubled.has(path)) onProblem(`${path} was truncated without a copy`, problem);
    troubled.add(path);
  };

  const look = () => {
    const now = clock.monotonic();
    const sinceMs = now - lookedAt;
    lookedAt = now;
    let soonest = Infinity;
    for (const { policy, files } of entries.values())
      for (const file of [files.stdout, files.stderr])
        soonest = Math.min(soonest, file.look(policy, sinceMs, ended(file.path)) / 2);
    const wait = soonest === Infinity ? LOOK_AT_SILENCE_MS : Math.min(LOOK_EVERY_MS, soonest);
    stopTimer = clock.after(Math.max(SOONEST_MS, wait), look);
  };

  const forget = async (component: ComponentName) => {
    const entry = entries.get(component);
    entries.delete(component);
    if (entry) await Promise.all(streams.map((stream) => entry.files[stream].close()));
  };

  const open = (component: ComponentName, policy: LogPolicy): Entry => {
    const known = entries.get(component);
    if (known && !streams.some((stream) => known.files[stream].deleted)) {
      known.policy = policy;
      return known;
    }
    void forget(component);
    const place = join(folder, component);
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const stdout = new OutputFile(join(place, 'stdout.log'));
    const entry: Entry = {
      policy,
      current: null,
      files: { stdout, stderr: new OutputFile(join(place, 'stderr.log')) },
    };
    entries.set(component, entry);
    stopTimer ??= clock.after(LOOK_EVERY_MS, look);
    return entry;
  };

  return {
    begin(component, policy) {
      try {
        const entry = open(component, policy);
        const { stdout, stderr } = entry.files;
        const life: Life = { begins: { stdout: stdout.mark(), stderr: stderr.mark() }, ends: null };
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
      if (nowhere !== null) closeSync(nowhere);
      nowhere = null;
      await Promise.all([...entries.keys()].map(forget));
    },
  };
}
