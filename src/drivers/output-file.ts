import {
  closeSync,
  fchownSync,
  fstatSync,
  ftruncate,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  watch,
  type FSWatcher,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Clock } from '../clock.ts';
import type { Account } from './account.ts';
import { emptied, grow, isQuiet, stirred, unseen, watched, type Growth } from './growth.ts';
import { compress, rotate } from './rotate.ts';
import type { LogPolicy } from './schema.ts';

const truncate = promisify(ftruncate);
/** How long to leave alone one that could not even be truncated: it would be copied again and again. */
const REST_MS = 10_000;
/**
 * Copying and compressing may take a fifth of the time, after a credit for bursts; a file that fills faster than that
 * is cut off without a copy, for it would cost the child and this machine more than its copies are worth.
 */
const COPYING_SHARE = 0.2;
const CREDIT_MS = 250;
const TOO_FAST = 'is written to faster than it can be copied: parts of it are lost';

/** Only for us, until it is given away. */
const MODE = 0o600;

/** Makes the file when there is none; what is there stays. */
export async function touch(path: string): Promise<void> {
  const file = await open(path, 'a+', MODE);
  await file.close();
}

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

/** What the owner of a file is told. */
export interface OutputListener {
  /** It is written to after a pause: the next look is due sooner than it was said to be. */
  onStir(): void;
  /** Told once, and again after it has gone well in between. */
  onProblem(what: string, error: unknown): void;
}

/** One stream of one component: a file that its lives append to, opened once and handed to each of them. */
export class OutputFile {
  readonly fd: number;
  readonly path: string;
  readonly #clock: Clock;
  readonly #listener: OutputListener;
  readonly #told = new Set<string>();
  #truncations = 0;
  #rotation: Promise<void> | null = null;
  #cutting: Promise<void> | null = null;
  #watcher: FSWatcher | null = null;
  #growth: Growth;
  /** When it was looked at last; monotonic. */
  #lookedAt: number;
  /** Size at which a rotation under way is not waited for any longer: on a busy disk the copy is the slower one. */
  #limitBytes = 0;
  /** Monotonic. */
  #restUntil = 0;
  /** What copying may cost yet. */
  #creditMs = CREDIT_MS;
  /** Wall time of its first byte, or a little before; null: it is empty. */
  #begunAt: number | null;
  #closed = false;

  /** @throws what the system says when it cannot be opened. */
  constructor(path: string, clock: Clock, listener: OutputListener) {
    this.path = path;
    this.fd = openSync(path, 'a+', MODE);
    this.#clock = clock;
    this.#listener = listener;
    const { size, birthtimeMs } = fstatSync(this.fd);
    this.#growth = unseen(size);
    this.#lookedAt = clock.monotonic();
    // An earlier daemon knew it: not before the file was made, and not before the newest copy was.
    const changed = (copy: string) => statSync(path + copy, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    this.#begunAt = size === 0 ? null : Math.max(birthtimeMs, changed('.1'), changed('.1.gz'));
  }

  /** When it should be looked at next; monotonic. */
  get dueAt(): number {
    return this.#closed ? Infinity : Math.max(this.#restUntil, this.#lookedAt + this.#growth.waitMs);
  }

  /** From then on it may be looked at: files are better looked at together than each by itself. Monotonic. */
  get mayAt(): number {
    return this.dueAt - this.#growth.waitMs / 4;
  }

  /**
   * Begins a life, with one question to the system: each restart waits for it.
   * @param owner whose file it becomes, for programs that open /dev/stdout anew; null leaves it as it is.
   * @returns null when somebody has deleted it: what is written from now on would be seen by nobody.
   */
  begin(owner: Pick<Account, 'uid' | 'gid'> | null): OutputMark | null {
    const { nlink, uid, gid, size } = fstatSync(this.fd);
    if (nlink === 0) return null;
    if (owner && (uid !== owner.uid || gid !== owner.gid)) fchownSync(this.fd, owner.uid, owner.gid);
    return { offset: size, truncations: this.#truncations };
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

  /** Rotates when it is time to, beside whatever else goes on. */
  look(policy: LogPolicy): void {
    if (this.#closed) return;
    const now = this.#clock.monotonic();
    const { size } = fstatSync(this.fd);
    const limitBytes = this.#rotation ? this.#limitBytes : policy.max_size;
    this.#growth = grow(this.#growth, size, now - this.#lookedAt, limitBytes);
    this.#creditMs = Math.min(CREDIT_MS, this.#creditMs + COPYING_SHARE * (now - this.#lookedAt));
    this.#lookedAt = now;
    if (size > 0) this.#begunAt ??= this.#clock.now();
    if (this.#rotation) {
      if (size > limitBytes) this.#cutWithoutCopy();
    } else if (this.#isFull(size, policy)) {
      this.#limitBytes = Math.max(size, 2 * policy.max_size);
      if (policy.keep > 0 && this.#creditMs < 0) this.#cutWithoutCopy();
      else this.#rotation = this.#rotate(policy).finally(() => (this.#rotation = null));
    } else if (isQuiet(this.#growth)) {
      if (this.#watcher) this.#growth = watched(this.#growth);
      else this.#watch();
    }
  }

  /** Empties the file; those who append to it go on at its new end. */
  async cut(): Promise<void> {
    this.#cutting ??= truncate(this.fd, 0).finally(() => (this.#cutting = null));
    try {
      await this.#cutting;
      this.#isCut();
    } catch (error) {
      this.#restUntil = this.#clock.monotonic() + REST_MS;
      throw error;
    }
  }

  cutIfStill(sizeBytes: number): boolean {
    if (this.#cutting || fstatSync(this.fd).size !== sizeBytes) return false;
    ftruncateSync(this.fd, 0);
    this.#isCut();
    return true;
  }

  /** Waits for what is under way: the number of a closed descriptor may be another file's at once. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watcher?.close();
    await this.#rotation;
    await this.#cutting?.catch(() => undefined);
    closeSync(this.fd);
  }

  #isFull(size: number, { max_size, max_age }: LogPolicy): boolean {
    if (size === 0) return false;
    const isOld = max_age !== undefined && this.#begunAt !== null && this.#clock.now() - this.#begunAt >= max_age;
    return isOld || size >= max_size;
  }

  #isCut(): void {
    this.#truncations++;
    this.#growth = emptied(this.#growth);
    this.#begunAt = null;
  }

  async #rotate(policy: LogPolicy): Promise<void> {
    const clock = this.#clock;
    const begun = clock.monotonic();
    const copied = await this.#try('was truncated without a copy', () => rotate(this, policy));
    if (copied && policy.gzip && policy.keep > 0)
      await this.#try('was rotated, but the copy not compressed', () => compress(this.path));
    this.#creditMs -= clock.monotonic() - begun;
  }

  #cutWithoutCopy(): void {
    this.#tell(TOO_FAST, null);
    this.cut().catch(() => undefined);
  }

  async #try(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#told.delete(what);
      return true;
    } catch (error) {
      this.#tell(what, error);
      return false;
    }
  }

  #tell(what: string, error: unknown): void {
    if (!this.#told.has(what)) this.#listener.onProblem(`${this.path} ${what}`, error);
    this.#told.add(what);
  }

  /** Has the system tell when it is written to; where it cannot (too many watches) it is only looked at seldom. */
  #watch(): void {
    if (this.#watcher) return;
    this.#told.delete(TOO_FAST);
    try {
      const watcher = watch(this.path, { persistent: false });
      const stir = () => {
        watcher.close();
        if (this.#watcher !== watcher) return;
        this.#watcher = null;
        this.#growth = stirred(this.#growth);
        this.#lookedAt = this.#clock.monotonic();
        this.#listener.onStir();
      };
      this.#watcher = watcher.on('change', stir).on('error', stir);
    } catch {
      this.#watcher = null;
    }
  }
}
