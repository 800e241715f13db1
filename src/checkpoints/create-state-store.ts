import { statSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { failure, ParamedicError, sentenceOf } from '../errors.ts';
import {
  epochMs,
  type CheckpointId,
  type CheckpointTrigger,
  type ComponentName,
  type Emit,
  type RecoveryEvent,
} from '../model/index.ts';
import { ownedPieces } from './bytes.ts';
import type { Damage, Jobs, Rekeyed } from './protocol.ts';
import { createResumeMemory, createResumePoints, forThread } from './resume-points.ts';
import type { AskedKind, BadFile, Body, CheckpointInfo, Saved, StateStore } from './state-store.ts';
import { createStateWorker } from './state-worker.ts';

export interface StateStoreOptions {
  readonly file: string;
  /** Where checkpoints of the kind `disk` lie as files; `checkpoints` beside `file` unless given. */
  readonly checkpointsFolder?: string;
  /** events.db: its WAL is moved into it from the worker, every `checkpointEventsEveryMs`; null: leave it alone. */
  readonly eventsFile: string | null;
  /** Hears that all of that WAL is in the file: whoever writes next begins it anew, and waits for the disk to. */
  readonly onEventsMoved?: () => void;
  readonly clock: Clock;
  /** Of a state that a component puts without saying its version; 1 unless given. */
  readonly schemaVersionOf?: (component: ComponentName) => number | undefined;
  readonly emit: Emit;
  /** Hears what `emit` threw: an answer is never lost for it. */
  readonly onError?: (error: unknown) => void;
  /** 2 s unless given. */
  readonly checkpointEventsEveryMs?: number;
  /** Another worker file, which imports ours: something else lives on the same thread, or a test has it die. */
  readonly workerEntry?: URL;
  /** A thread of that file which was started already, with `workerData: null`. */
  readonly workerAhead?: Worker | undefined;
  /** Keys of 32 bytes that state.db is encrypted with: the one that writes, and those before it. None: plain text. */
  readonly keys?: readonly Uint8Array[];
  /** Hears what an operator may want to know: what is encrypted and what is not. */
  readonly onNotice?: (notice: string) => void;
  /** What else lives there: `data` is what our file exports as `besides`; it posts `{ besides: message }` for `hear`. */
  readonly besides?: { readonly data: unknown; readonly hear: (message: unknown) => void };
}

export interface ThreadedStateStore extends StateStore {
  /** Resolves once the file was looked at; rejects with STATE_LOCKED when it is encrypted with a key that is not here. */
  readonly unlocked: Promise<void>;
  /** What SQLite says of events.db, read through a connection of the worker: `ok`, or the first complaint. */
  checkEvents(): Promise<string>;
  /** Transactions since the worker began: fewer than the writes, because what arrives together shares one. */
  commits(): number;
}

/** Manifests are kept for so long and so many of them, with the checkpoints that they name. */
const MANIFEST_MAX_AGE_MS = 7 * 86_400_000;
const MOST_MANIFESTS = 10;
/** Most slices of free pages given back in one pruning: 20 MB; what is left is used again or goes the next time. */
const VACUUM_SLICES = 100;

/** Checkpoints deleted in one transaction. */
const EXPIRE_SLICE = 20;

/** The worker's file in source and, compiled, in `dist`. */
const workerEntry = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export function createStateStore(options: StateStoreOptions): ThreadedStateStore {
  const { file, clock, keys = [] } = options;
  const isEncrypted = keys.length > 0;
  const tell = (...events: RecoveryEvent[]): void => {
    try {
      options.emit(...events);
    } catch (error) {
      options.onError?.(error);
    }
  };
  const unlocked = Promise.withResolvers<void>();
  unlocked.promise.catch(() => {});
  const resumes = createResumeMemory();
  const worker = createStateWorker({
    entry: options.workerEntry ?? workerEntry,
    ahead: options.workerAhead,
    data: () => ({
      file,
      checkpointsFolder: options.checkpointsFolder ?? null,
      eventsFile: options.eventsFile,
      now: clock.now(),
      checkpointEventsEveryMs: options.checkpointEventsEveryMs ?? 2_000,
      keys,
      ...forThread(resumes),
      besides: options.besides?.data ?? null,
    }),
    clock,
    onEventsMoved: () => options.onEventsMoved?.(),
    onBesides: (message) => options.besides?.hear(message),
    onNotOpened: (refused) => (refused ? unlocked.reject(refused) : unlocked.resolve()),
    onOpened({ setAside, losses, lostResumes, rekeyed }) {
      unlocked.resolve();
      if (rekeyed && rekeyed.checkpoints + rekeyed.entries > 0) options.onNotice?.(rekeyedSentence(rekeyed));
      if (lostResumes.length > 0) options.onNotice?.(lostResumesSentence(lostResumes));
      if (setAside) tell({ type: 'store.set_aside', at: clock.now(), store: 'state', ...setAside });
      const why = setAside
        ? 'state.db was damaged'
        : 'commits are missing from state.db: its WAL was damaged or cut off';
      for (const { component, sequences, entries } of losses)
        tell({ type: 'checkpoint.lost', at: clock.now(), component, sequences, entries, why });
    },
  });

  const { ask } = worker;
  const journalling = new Set<ComponentName>();

  const tellDamage = (damages: readonly Damage[]): void =>
    damages
      .filter((damage) => damage.isNew)
      .forEach(({ checkpoint, component, why }) =>
        tell({ type: 'checkpoint.corrupted', at: clock.now(), component, checkpoint, why }),
      );

  async function write(
    job: 'put' | 'patch',
    component: ComponentName,
    body: Body,
    trigger: CheckpointTrigger,
    kind?: AskedKind,
  ): Promise<Saved> {
    const at = clock.now();
    const started = clock.monotonic();
    const pieces = ownedPieces(body);
    try {
      const schemaVersion = options.schemaVersionOf?.(component) ?? 1;
      const question = { component, body: pieces, trigger, at, ...(kind && { kind }), schemaVersion };
      const { size_bytes, ...saved } = await ask(
        job,
        question,
        pieces.map(({ buffer }) => buffer),
      );
      // What is in memory only is no checkpoint to whoever asks how much could be lost.
      if (size_bytes === null || saved.kind === 'memory') return saved;
      const durationMs = clock.monotonic() - started;
      const written = { checkpoint: saved.checkpoint_id, trigger, sizeBytes: size_bytes, durationMs, capturedAt: at };
      tell({ type: 'checkpoint.written', at: clock.now(), component, ...written });
      return saved;
    } catch (error) {
      const why = isEncrypted ? withoutContent(error) : sentenceOf(error);
      tell({ type: 'checkpoint.write_failed', at: clock.now(), component, trigger, why });
      throw error;
    }
  }

  async function getState(
    ...[component, endedAt, doubted = new Set(), preserve = true]: Parameters<StateStore['getState']>
  ) {
    const question = { component, endedAt, doubted, preserve, at: clock.now() };
    const { restored, damaged, hadAnything } = await ask('restore', question);
    tellDamage(damaged);
    if (hadAnything) tellRestored(component, restored);
    const why = 'entries of the journal are damaged or missing';
    for (const entries of restored.lost_entries)
      tell({ type: 'checkpoint.lost', at: clock.now(), component, sequences: null, entries, why });
    return restored;
  }

  function tellRestored(component: ComponentName, restored: Jobs['restore']['answer']['restored']): void {
    const { checkpoint_id: checkpoint, source, entries, data_loss_seconds: lostSeconds } = restored;
    tell({
      type: 'checkpoint.restored',
      at: clock.now(),
      component,
      checkpoint,
      source,
      outcome: checkpoint === null && entries === 0 ? 'failure' : 'success',
      entriesReplayed: entries,
      dataLossMs: lostSeconds * 1_000,
      checkpointsLost: restored.lost_checkpoints,
    });
  }

  async function read(checkpoint: CheckpointId) {
    const { found, damage } = await ask('read', { checkpoint, at: clock.now() });
    if (damage) tellDamage([damage]);
    if (found) return found;
    throw failure('CHECKPOINT_CORRUPTED', { checkpoint, why: damage?.why ?? '' });
  }

  async function storeHeld(component: ComponentName): Promise<void> {
    const started = clock.monotonic();
    const stored = await ask('storeHeld', { component });
    if (!stored) return;
    const { checkpoint_id: checkpoint, trigger, size_bytes: sizeBytes, at: capturedAt } = stored;
    const written = { checkpoint, trigger, sizeBytes, durationMs: clock.monotonic() - started, capturedAt };
    tell({ type: 'checkpoint.written', at: clock.now(), component, ...written });
  }

  /** One at a time, so that writes are not kept waiting behind gigabytes. */
  async function verify() {
    const corrupted: CheckpointInfo[] = [];
    const files: BadFile[] = [];
    let checked = 0;
    for (const { checkpoint_id: checkpoint } of await ask('list', { component: null })) {
      const result = await ask('verify', { checkpoint, at: clock.now() });
      if (!result) continue;
      checked++;
      if (result.badFile) files.push(result.badFile);
      if (!result.damage) continue;
      tellDamage([result.damage]);
      corrupted.push(result.checkpoint);
    }
    const manifests = await ask('manifests', { only: null });
    return {
      checked,
      corrupted,
      files,
      manifests: { checked: manifests.length, corrupted: manifests.filter(({ valid }) => !valid) },
      integrity: await ask('integrity', { store: 'state' }),
    };
  }

  /** In slices, so that writes get their turn in between. */
  async function prune(policies: Parameters<StateStore['prune']>[0]) {
    let deleted = 0;
    await ask('expireManifests', { before: epochMs(clock.now() - MANIFEST_MAX_AGE_MS), keep: MOST_MANIFESTS });
    for (const [component, { retention }] of policies) {
      const sequences = await ask('expirable', { component, retention, at: clock.now() });
      for (let first = 0; first < sequences.length; first += EXPIRE_SLICE)
        deleted += await ask('expire', { component, sequences: sequences.slice(first, first + EXPIRE_SLICE) });
      while ((await ask('trim', { component })) > 0);
    }
    while ((await ask('sweep', {})) > 0);
    for (const key of await ask('retireKeys', {})) options.onNotice?.(retiredSentence(key));
    for (let slice = 0; slice < VACUUM_SLICES && (await ask('vacuum', {})) > 0; slice++);
    return deleted;
  }

  return {
    unlocked: unlocked.promise,
    putState: (component, body, trigger, kind) => write('put', component, body, trigger, kind),
    patchState: (component, body, trigger) => write('patch', component, body, trigger),
    async appendJournal(component, body) {
      const pieces = ownedPieces(body);
      const given = pieces.map(({ buffer }) => buffer);
      const appended = await ask('journal', { component, body: pieces, at: clock.now() }, given);
      journalling.add(component);
      return appended;
    },
    getState,
    resume: createResumePoints(ask, clock, resumes),
    storeHeld,
    list: (component, most) => ask('list', { component: component ?? null, most }),
    strayFiles: (component) => ask('strayFiles', { component: component ?? null }),
    async remembered() {
      const all = await ask('remembered', {});
      for (const { component, journals } of all) if (journals) journalling.add(component);
      return all;
    },
    journals: (component) => journalling.has(component),
    read,
    writeManifest: (checkpoints, trigger) => ask('manifest', { checkpoints, trigger, at: clock.now() }),
    manifests: () => ask('manifests', { only: null }),
    async manifest(only) {
      const [found] = await ask('manifests', { only });
      if (found) return found;
      throw failure('CHECKPOINT_NOT_FOUND', { checkpoint: only });
    },
    verify,
    prune,
    sizeBytes: () => sizeOf(file) + sizeOf(`${file}-wal`),
    checkEvents: () => ask('integrity', { store: 'events' }),
    commits: worker.commits,
    close: () => worker.close(),
  };
}

/** A refusal quotes what it refuses, which is for the component and not for events and logs: they are plain text. */
const withoutContent = (error: unknown): string =>
  error instanceof ParamedicError && (error.code === 'BODY_INVALID' || error.code === 'PATCH_REFUSED')
    ? `what it sent was refused (${error.code}); the component was told why`
    : sentenceOf(error);

const howWritten = (key: string): string => (key === '' ? 'in plain text' : `encrypted with the key ${key}`);

function rekeyedSentence({ keyId, former, checkpoints, entries }: Rekeyed): string {
  const what = `${checkpoints} checkpoints and ${entries} journal entries`;
  const how = former.map(howWritten).join(' or ');
  return `what is written is encrypted with the key ${keyId} from now on; what is there (${what}, ${how}) is still read, and goes with its retention`;
}

const lostResumesSentence = (components: readonly string[]): string =>
  `where ${components.join(', ')} was brought back to is damaged: it continues from its newest checkpoint; ask again with "paramedic recover"`;

const retiredSentence = (key: string): string =>
  `nothing is ${howWritten(key)} any more${key === '' ? '' : ': it need not be configured any longer'}`;

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
