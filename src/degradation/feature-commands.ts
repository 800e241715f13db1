import type { Clock } from '../clock.ts';
import { sentenceOf } from '../errors.ts';
import { oneLine } from '../format.ts';
import type { Emit, EventOf } from '../model/index.ts';
import type { Feature } from './features.ts';

export type CommandName = EventOf<'degradation.command_finished'>['command'];

/** Runs a program to its end, in a process group of its own. Rejects when it cannot be started or is not done in time. */
export type RunFeatureCommand = (
  command: readonly string[],
  timeoutMs: number,
  env: Readonly<Record<string, string>>,
) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;

export interface FeatureCommandsDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly run: RunFeatureCommand;
  /** Hides secrets in what a command says. */
  readonly mask: (text: string) => string;
}

/** How a feature was switched. */
interface Wish {
  readonly feature: Feature;
  readonly enabled: boolean;
  readonly reason: string | null;
}

const LONGEST_OUTPUT = 1_000;

/**
 * Runs what belongs to the switching of features: of each one at a time, and only what is still wanted when its turn
 * comes. Nobody waits for it.
 */
export class FeatureCommands {
  readonly #deps: FeatureCommandsDeps;
  /** How each feature stands now. */
  readonly #wishes = new Map<string, Wish>();
  readonly #busy = new Set<string>();

  constructor(deps: FeatureCommandsDeps) {
    this.#deps = deps;
  }

  switched(feature: Feature, enabled: boolean, reason: string | null): void {
    this.#wishes.set(feature.name, { feature, enabled, reason });
    if (!this.#busy.has(feature.name)) void this.#follow(feature.name, !enabled);
  }

  /** Never rejects. @param is how it stood before. */
  async #follow(name: string, is: boolean): Promise<void> {
    this.#busy.add(name);
    // What led to it is stored first.
    await Promise.resolve();
    for (let wish = this.#wishes.get(name); wish && wish.enabled !== is; wish = this.#wishes.get(name)) {
      is = wish.enabled;
      await this.#run(wish);
    }
    this.#wishes.delete(name);
    this.#busy.delete(name);
  }

  async #run({ feature, enabled, reason }: Wish): Promise<void> {
    const { clock, emit, run, mask } = this.#deps;
    const configured = enabled ? feature.commands.on_enable : feature.commands.on_disable;
    if (!configured) return;
    const began = clock.monotonic();
    const env = { PARAMEDIC_FEATURE: feature.name, PARAMEDIC_REASON: reason ?? '' };
    const ended = await run(configured.command, configured.timeout, env).then(
      ({ code, stdout, stderr }) => ({
        why: code === 0 ? '' : `it ended with ${code}`,
        output: tail(mask(`${stdout}\n${stderr}`)),
      }),
      (error: unknown) => ({ why: sentenceOf(error), output: '' }),
    );
    emit({
      type: 'degradation.command_finished',
      at: clock.now(),
      feature: feature.name,
      command: enabled ? 'on_enable' : 'on_disable',
      outcome: ended.why === '' ? 'success' : 'failure',
      ...ended,
      durationMs: clock.monotonic() - began,
    });
  }
}

const tail = (text: string): string => oneLine(text.slice(-LONGEST_OUTPUT), LONGEST_OUTPUT);
