import type { Clock } from '../clock.ts';
import { sentenceOf } from '../errors.ts';
import { oneLine } from '../format.ts';
import { priorities, type Emit, type EventOf, type RecoveryEvent } from '../model/index.ts';
import type { Feature, Features } from './features.ts';

type Finished = EventOf<'degradation.command_finished'>;

/**
 * Runs a program to its end, in a process group of its own. Rejects when it cannot be started, is not done in time, or
 * is ended because nobody wants it any more.
 */
export type RunFeatureCommand = (
  command: readonly string[],
  timeoutMs: number,
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;

export interface FeatureCommandsDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly run: RunFeatureCommand;
  /** Hides secrets in what a command says. */
  readonly mask: (text: string) => string;
  /** What earlier daemons have stated, oldest first. */
  readonly past: readonly RecoveryEvent[];
}

/** How a feature was switched. */
interface Switch {
  readonly enabled: boolean;
  readonly reason: string | null;
}
interface Wish extends Switch {
  readonly feature: Feature;
}

const LONGEST_OUTPUT = 1_000;
/** A machine that is short of something is not helped by a process for each feature. */
const MOST_AT_ONCE = 4;

/**
 * Runs what belongs to the switching of features: few at a time, the most important first, and of each feature one
 * after the other and only what is still wanted when its turn comes. Nobody waits for it. What a daemon has not brought
 * to an end the next one runs anew.
 */
export class FeatureCommands {
  readonly #deps: FeatureCommandsDeps;
  readonly #left: Map<string, Switch>;
  /** What waits for its turn. */
  readonly #wishes = new Map<string, Wish>();
  /** How each feature with a wish or a command is now: as its command that was begun last makes it. */
  readonly #is = new Map<string, boolean>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(deps: FeatureCommandsDeps) {
    this.#deps = deps;
    this.#left = unfinished(deps.past);
  }

  switched(feature: Feature, enabled: boolean, reason: string | null): void {
    const { name } = feature;
    this.#left.delete(name);
    const is = this.#is.get(name) ?? !enabled;
    this.#is.set(name, is);
    if (is === enabled) this.#wishes.delete(name);
    else this.#wishes.set(name, { feature, enabled, reason });
    this.#settle(name);
    // What led to it is stored first.
    queueMicrotask(() => this.#next());
  }

  /** Runs what an earlier daemon has not brought to an end, as far as nobody has switched it since. */
  resume(features: Features): void {
    for (const [name, { enabled, reason }] of this.#left) {
      const feature = features.get(name);
      if (feature) this.switched(feature, enabled, reason);
    }
  }

  /** Begins nothing any more, and ends what runs. Resolves when all of it has ended and is stated. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running.values());
  }

  #next(): void {
    const waiting = [...this.#wishes.values()].filter(({ feature }) => !this.#running.has(feature.name));
    for (const wish of waiting.toSorted(byPriority)) {
      if (this.#closing.signal.aborted || this.#running.size >= MOST_AT_ONCE) return;
      const { name } = wish.feature;
      this.#wishes.delete(name);
      this.#is.set(name, wish.enabled);
      this.#running.set(
        name,
        this.#run(wish).then(() => this.#ended(name)),
      );
    }
  }

  #ended(name: string): void {
    this.#running.delete(name);
    this.#settle(name);
    this.#next();
  }

  #settle(name: string): void {
    if (!this.#wishes.has(name) && !this.#running.has(name)) this.#is.delete(name);
  }

  /** Never rejects. */
  async #run({ feature, enabled, reason }: Wish): Promise<void> {
    const { clock, emit, run, mask } = this.#deps;
    const configured = enabled ? feature.commands.on_enable : feature.commands.on_disable;
    if (!configured) return;
    const began = clock.monotonic();
    const { signal } = this.#closing;
    const env = { PARAMEDIC_FEATURE: feature.name, PARAMEDIC_REASON: reason ?? '' };
    const ended = await run(configured.command, configured.timeout, env, signal).then(
      ({ code, stdout, stderr }) => ({
        why: code === 0 ? '' : `it ended with ${code}`,
        output: tail(mask(`${stdout}\n${stderr}`)),
      }),
      (error: unknown) => ({ why: mask(sentenceOf(error)), output: '' }),
    );
    emit({
      type: 'degradation.command_finished',
      at: clock.now(),
      feature: feature.name,
      command: enabled ? 'on_enable' : 'on_disable',
      ...outcomeOf(ended.why, signal.aborted),
      output: ended.output,
      durationMs: clock.monotonic() - began,
    });
  }
}

function outcomeOf(why: string, closing: boolean): Pick<Finished, 'outcome' | 'why'> {
  if (why === '') return { outcome: 'success', why };
  return closing ? { outcome: 'cancelled', why: 'the daemon was stopped' } : { outcome: 'failure', why };
}

/** How features were switched last, where nothing is stated of the end of the command that belongs to it. */
function unfinished(past: readonly RecoveryEvent[]): Map<string, Switch> {
  const left = new Map<string, Switch>();
  for (const event of past) {
    if (event.type === 'degradation.feature_changed') left.set(event.feature, event);
    if (event.type !== 'degradation.command_finished' || event.outcome === 'cancelled') continue;
    const { feature, command } = event;
    if (left.get(feature)?.enabled === (command === 'on_enable')) left.delete(feature);
  }
  return left;
}

const byPriority = (one: Wish, other: Wish): number =>
  priorities.indexOf(one.feature.priority) - priorities.indexOf(other.feature.priority);

const tail = (text: string): string => oneLine(text.slice(-LONGEST_OUTPUT), LONGEST_OUTPUT);
