import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StringDecoder } from 'node:string_decoder';
import { gunzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { systemCode } from '../errors.ts';
import { connect } from './client.ts';
import { wholeNumber, withDaemon, type Where } from './options.ts';
import { paint } from './terminal.ts';

const POLL_MS = 200;
const CHUNK = 64 * 1024;

/** Reads from `offset` to the end; nothing of a file that is not there (yet). */
function readFrom(path: string, offset: number): { bytes: Buffer; size: number } {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { bytes: Buffer.alloc(0), size: 0 };
    throw error;
  }
  try {
    const { size } = fstatSync(descriptor);
    // Rotation copies and truncates: what is shorter than we have read begins anew.
    const start = size < offset ? 0 : offset;
    const bytes = Buffer.alloc(size - start);
    const read = readSync(descriptor, bytes, 0, bytes.length, start);
    return { bytes: bytes.subarray(0, read), size: start + read };
  } finally {
    closeSync(descriptor);
  }
}

interface Place {
  readonly offset: number;
  /** How many of the lines asked for are not there. */
  readonly missing: number;
}

/** Where the last `count` lines begin, found from the end so that a large file is not read as a whole. */
function lastLines(path: string, count: number): Place {
  const end = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (count === 0) return { offset: end, missing: 0 };
  const descriptor = end === 0 ? undefined : openSync(path, 'r');
  if (descriptor === undefined) return { offset: 0, missing: count };
  try {
    const chunk = Buffer.alloc(CHUNK);
    let found = 0;
    for (let stop = end; stop > 0; stop -= CHUNK) {
      const start = Math.max(0, stop - CHUNK);
      const read = readSync(descriptor, chunk, 0, stop - start, start);
      for (let i = read - 1; i >= 0; i--)
        // The line break at the very end closes the last line, it does not begin another.
        if (chunk[i] === 0x0a && start + i !== end - 1 && ++found === count)
          return { offset: start + i + 1, missing: 0 };
    }
    return { offset: 0, missing: count - found - 1 };
  } finally {
    closeSync(descriptor);
  }
}

/** The end of the newest copy, compressed or not: a file that was just rotated has little to show by itself. */
function beforeRotation(path: string, count: number): Buffer {
  const copy = `${path}.1`;
  if (existsSync(copy)) return readFrom(copy, lastLines(copy, count).offset).bytes;
  if (!existsSync(`${copy}.gz`)) return Buffer.alloc(0);
  // What stands behind its last line break is empty, or the beginning of a line that goes on in the file itself.
  const lines = gunzipSync(readFileSync(`${copy}.gz`))
    .toString('latin1')
    .split('\n');
  return Buffer.from(lines.slice(-count - 1).join('\n'), 'latin1');
}

/** One output file, printed line by line behind its name. */
class Stream {
  readonly #path: string;
  readonly #prefix: string;
  readonly #decoder = new StringDecoder('utf8');
  #offset: number;
  #rest = '';

  constructor(path: string, prefix: string, lines: number) {
    this.#path = path;
    this.#prefix = prefix;
    const { offset, missing } = lastLines(path, lines);
    this.#offset = offset;
    if (missing > 0) this.#rest = this.#decoder.write(beforeRotation(path, missing));
  }

  /** Prints the whole lines that are new. */
  print(): void {
    const { bytes, size } = readFrom(this.#path, this.#offset);
    this.#offset = size;
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) console.log(this.#prefix + line);
  }

  /** Prints what has no line break yet. */
  flush(): void {
    if (this.#rest !== '') console.log(this.#prefix + this.#rest);
    this.#rest = '';
  }
}

const changedAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

export function addLogs(program: Command): void {
  withDaemon(program.command('logs <component>'))
    .description('what a component has written: the last lines of stdout and of stderr')
    .option('-f, --follow', 'go on with what it writes')
    .option('-n, --lines <count>', 'lines of each stream', wholeNumber(0, 1_000_000), 100)
    .action(async (component: string, options: Where & { follow?: boolean; lines: number }) => {
      const client = await connect(options);
      const paths = await client.get<Record<'stdout' | 'stderr', string>>(
        `/components/${encodeURIComponent(component)}/logs`,
      );
      // Lines carry no time: the stream that was written to last comes last.
      const streams = [
        { path: paths.stdout, prefix: paint('dim', 'out | ') },
        { path: paths.stderr, prefix: paint('red', 'err | ') },
      ]
        .toSorted((a, b) => changedAt(a.path) - changedAt(b.path))
        .map(({ path, prefix }) => new Stream(path, prefix, options.lines));
      for (const stream of streams) {
        stream.print();
        if (!options.follow) stream.flush();
      }
      while (options.follow) {
        await sleep(POLL_MS);
        for (const stream of streams) stream.print();
      }
    });
}
