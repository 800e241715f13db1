import type { Clock } from '../clock.ts';
import type { ComponentName } from '../model/index.ts';
import type { Commands } from './commands.ts';

/** One that hangs does not answer, and must hear the signal soon. */
const LONGEST_ANSWER_MS = 1_000;

/** A state that takes longer to save is not waited for: the newest checkpoint and the journal have to do. */
const LONGEST_SAVE_MS = 2_000;

/** How the time that a component has to leave is shared between the command and the signal. */
export const sharesOf = (graceMs: number) => ({
  /** It must have taken the command by then, or the signal comes. */
  answerMs: Math.min(LONGEST_ANSWER_MS, graceMs / 10),
  /** Having taken it, it must be gone by then; the last quarter is the signal's. */
  leaveMs: graceMs * (3 / 4),
});

export interface LeaveDeps {
  readonly clock: Clock;
  readonly commands: Pick<Commands, 'hears' | 'order' | 'saveState'>;
}

/** Asks a component over its command line to save its state and to leave. @returns what is left of `graceMs` for the signal and the kill. */
export type AskToLeave = (
  component: ComponentName,
  exited: Promise<unknown>,
  graceMs: number,
  why: string,
) => Promise<number>;

export function createAskToLeave({ clock, commands }: LeaveDeps): AskToLeave {
  return async (component, exited, graceMs, why) => {
    const begun = clock.monotonic();
    const left = () => Math.max(0, graceMs - (clock.monotonic() - begun));
    const gone = exited.then(() => 'gone');
    if (commands.hears(component, 'get_state')) {
      const saveMs = Math.min(LONGEST_SAVE_MS, graceMs / 5);
      await Promise.race([gone, commands.saveState(component, 'shutdown', saveMs).catch(() => {})]);
    }
    if (!commands.hears(component, 'shutdown')) return left();
    const { answerMs, leaveMs } = sharesOf(left());
    const asked = clock.monotonic();
    const told = commands.order(component, 'shutdown', { why, deadline_ms: Math.floor(leaveMs) }, answerMs);
    const first = await Promise.race([gone, told.then(() => 'taken').catch(() => 'refused')]);
    const patience = new AbortController();
    const late = () => clock.sleep(asked + leaveMs - clock.monotonic(), patience.signal).catch(() => undefined);
    if (first === 'taken') await Promise.race([gone, late()]);
    patience.abort();
    return left();
  };
}
