import { renameSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { destination, pino, stdTimeFunctions, type LoggerOptions } from 'pino';
import { sentenceOf } from '../errors.ts';
import type { RecoveryEvent } from '../model/index.ts';
import { toLog, type LogLevel } from './logs.ts';

export interface LogOptions {
  readonly level: LogLevel | 'trace' | 'silent';
  /** Path of the file; null: standard error. Its folder is made when missing. */
  readonly file: string | null;
  /** Also to standard error when there is a file; default false. */
  readonly alsoStderr?: boolean;
  /** Size at which the file is rotated; default 10 MiB. */
  readonly maxSizeBytes?: number;
  /** Files in all, the current one included; default 3: `x.log`, `x.log.1`, `x.log.2`. */
  readonly keep?: number;
  /** How long `close` waits for what is still to be written, ms; default 1 s. */
  readonly closeMs?: number;
}

/**
 * JSON lines: `time`, `level`, `msg`, then the fields. Never blocks and never throws: what a full disk refuses is
 * kept up to 8 MiB and then dropped, and said once on standard error.
 */
export interface Log {
  event(event: RecoveryEvent): void;
  write(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Flushes, for `closeMs` at most. What is written later is lost. */
  close(): Promise<void>;
}

const MAX_WAITING_BYTES = 8 * 2 ** 20;
const CLOSE_MS = 1_000;

type Sink = ReturnType<typeof destination>;
interface Target {
  write(line: string): void;
  close(): Promise<void>;
}

export function createLog(options: LogOptions): Log {
  const stderr = options.file === null || options.alsoStderr ? [toStderr(options)] : [];
  const targets: readonly Target[] = [...stderr, ...(options.file === null ? [] : [toFile(options.file, options)])];
  let open = true;
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const logger = pino(settings, {
    write(line: string) {
      if (open) for (const target of targets) target.write(line);
    },
  });
  return {
    event(event) {
      const line = toLog(event);
      if (line) this.write(line.level, line.message, line.fields);
    },
    write(level, message, fields = {}) {
      // The fields' own names must not stand in for ours.
      const { level: _, time: __, msg: ___, ...rest } = fields;
      logger[level](rest, message);
    },
    async close() {
      if (!open) return;
      open = false;
      await Promise.all(targets.map((target) => target.close()));
    },
  };
}

function toStderr({ closeMs }: LogOptions): Target {
  const sink = destination({ dest: 2, sync: false, maxLength: MAX_WAITING_BYTES });
  sink.on('error', () => undefined);
  return { write: (line) => void sink.write(line), close: () => flush(sink, closeMs) };
}

function toFile(file: string, { maxSizeBytes = 10 * 2 ** 20, keep = 3, closeMs }: LogOptions): Target {
  let size = sizeOf(file);
  if (size >= maxSizeBytes) rotate();
  const sink = destination({
    dest: file,
    sync: false,
    mkdir: true,
    append: true,
    mode: 0o600,
    maxLength: MAX_WAITING_BYTES,
  });
  let complained = false;
  /** The file is not there yet, or not again: a rotation would move the copies up with nothing behind them. */
  let opening = true;
  sink.on('error', (error: unknown) => {
    if (!complained) process.stderr.write(`paramedic: the log ${file} cannot be written: ${sentenceOf(error)}\n`);
    complained = true;
    opening = false;
  });
  sink.on('ready', () => (opening = false));

  function rotate(): void {
    size = 0;
    try {
      for (let n = keep - 1; n > 1; n--)
        if (sizeOf(`${file}.${n - 1}`) > 0) renameSync(`${file}.${n - 1}`, `${file}.${n}`);
      if (keep > 1) renameSync(file, `${file}.1`);
    } catch {
      // Better a log that is too long than none.
    }
  }

  return {
    write(line) {
      size += Buffer.byteLength(line);
      sink.write(line);
      if (size < maxSizeBytes || opening) return;
      opening = true;
      rotate();
      sink.reopen();
    },
    close: () => flush(sink, closeMs, opening),
  };
}

const sizeOf = (file: string): number => {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
};

/** @param opening the file is not there yet, or not again. */
async function flush(sink: Sink, closeMs = CLOSE_MS, opening = false): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, closeMs);
  const closed = once(sink, 'close').then(
    () => undefined,
    () => undefined,
  );
  // Asked to end while it waits to open the file anew, sonic-boom would do neither, and lose what it holds.
  const opened = opening ? once(sink, 'ready').catch(() => undefined) : Promise.resolve();
  void opened.then(() => sink.end());
  await Promise.race([closed, late]);
  clearTimeout(timer);
}
