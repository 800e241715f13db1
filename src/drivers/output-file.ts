import { closeSync, fstatSync, ftruncate, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { rotate } from './rotate.ts';
import type { LogPolicy } from './schema.ts';

const truncate = promisify(ftruncate);
const REST_MS = 10_000;
const ALERT_MS = 1_000;

/** Where a life began to write: what lies before is an earlier one's. */
export interface OutputMark {
  readonly offset: number;
  readonly truncations: number;
}

/** Begins with bytes from the middle of a character when the cut went through one. */
function decode(bytes: Buffer, wasCut: boolean): string {
  let start = 0;
  while (wasCut && start < Math.min(3, bytes.length) && ((bytes[start] ?? 0) & 0xc0) === 0x80) start++;
  return bytes.toString('utf8', start);
}

/** One stream of one component: a file that its lives append to, opened once and handed to each of them. */
export class OutputFile {
  readonly fd: number;
  readonly path: string;
  #truncations = 0;
  #rotation: Promise<void> | null = null;
  #cutting: Promise<void> | null = null;
  /** Size at which a rotation under way is not waited for any longer: on a busy disk the copy is the slower one. */
  #limitBytes = 0;
  /** Size at the last look, to see how fast it grows. */
  #lastBytes: number;
  /** How long to leave it alone: one that could not even be truncated would be copied again and again. */
  #restMs = 0;
  /** How long to go on looking often: what was full once will soon be full again. */
  #alertMs = 0;
  #closed = false;

  /** @throws what the system says when it cannot be opened. */
  constructor(path: string) {
    this.path = path;
    this.fd = openSync(path, 'a+', 0o600);
    this.#lastBytes = fstatSync(this.fd).size;
  }

  /** Somebody deleted it: what is written from now on would be seen by nobody. */
  get deleted(): boolean {
    return fstatSync(this.fd).nlink === 0;
  }

  mark(): OutputMark {
    return { offset: fstatSync(this.fd).size, truncations: this.#truncations };
  }

  /** The last bytes written between two marks (null: till now), at most `bytes`. */
  tail(since: OutputMark, until: OutputMark | null, bytes: number): string {
    if (this.#closed) return '';
    const { size } = fstatSync(this.fd);
    const isCut = ({ truncations, offset }: OutputMark) => truncations !== this.#truncations || offset > size;
    const end = until === null ? size : isCut(until) ? 0 : until.offset;
    const start = Math.max(isCut(since) ? 0 : since.offset, end - bytes);
    const buffer = Buffer.alloc(Math.max(0, end - start));
    return decode(buffer.subarray(0, readSync(this.fd, buffer, 0, buffer.length, start)), end - start >= bytes);
  }

  /**
   * Rotates when it is time to, beside whatever else goes on.
   * @returns milliseconds in which it will be full if it goes on growing so; Infinity when it does not grow.
   */
  look(policy: LogPolicy, sinceMs: number, onEnd: (problem: unknown) => void): number {
    if (this.#closed) return Infinity;
    const { size } = fstatSync(this.fd);
    if (this.#rotation) {
      if (size > this.#limitBytes) this.cut().catch(() => undefined);
      return 0;
    }
    this.#restMs = Math.max(0, this.#restMs - sinceMs);
    if (this.#restMs > 0) return this.#restMs;
    const grownBytes = size - this.#lastBytes;
    this.#lastBytes = size;
    if (size > 0 && size >= policy.max_size) {
      this.#limitBytes = size + policy.max_size;
      this.#rotation = rotate(this, policy)
        .then(() => onEnd(null), onEnd)
        .finally(() => (this.#rotation = null));
      return 0;
    }
    this.#alertMs = Math.max(0, this.#alertMs - sinceMs);
    if (this.#alertMs > 0) return 0;
    return grownBytes > 0 ? ((policy.max_size - size) / grownBytes) * sinceMs : Infinity;
  }

  /** Empties the file; those who append to it go on at its new end. */
  async cut(): Promise<void> {
    this.#cutting ??= truncate(this.fd, 0).finally(() => (this.#cutting = null));
    try {
      await this.#cutting;
      this.#truncations++;
      this.#lastBytes = 0;
      this.#alertMs = ALERT_MS;
    } catch (error) {
      this.#restMs = REST_MS;
      throw error;
    }
  }

  /** Waits for what is under way: the number of a closed descriptor may be another file's at once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#rotation;
    await this.#cutting?.catch(() => undefined);
    closeSync(this.fd);
  }
}
