import type { Clock } from '../clock.ts';
import type { ComponentName } from '../model/index.ts';
import type { Commands } from './commands.ts';

/** One that hangs does not answer, and must hear the signal soon. */
const LONGEST_ANSWER_MS = 1_000;

/** How the time that a component has to leave is shared between the command and the signal. */
export const sharesOf = (graceMs: number) => ({
  /** It must have taken the command by then, or the signal comes. */
  answerMs: Math.min(LONGEST_ANSWER_MS, graceMs / 10),
  /** Having taken it, it must be gone by then; the last quarter is the signal's. */
  leaveMs: graceMs * (3 / 4),
});

export interface LeaveDeps {
  readonly clock: Clock;
  readonly commands: Pick<Commands, 'hears' | 'order'>;
}

/** Asks a component over its command line to leave. @returns what is left of `graceMs` for the signal and the kill. */
export type AskToLeave = (
  component: ComponentName,
  exited: Promise<unknown>,
  graceMs: number,
  why: string,
) => Promise<number>;

export function createAskToLeave({ clock, commands }: LeaveDeps): AskToLeave {
  return async (component, exited, graceMs, why) => {
    if (!commands.hears(component, 'shutdown')) return graceMs;
    const begun = clock.monotonic();
    const { answerMs, leaveMs } = sharesOf(graceMs);
    const gone = exited.then(() => 'gone');
    const told = commands.order(component, 'shutdown', { why, deadline_ms: Math.floor(leaveMs) }, answerMs);
    const first = await Promise.race([gone, told.then(() => 'taken').catch(() => 'refused')]);
    const patience = new AbortController();
    const late = () => clock.sleep(begun + leaveMs - clock.monotonic(), patience.signal).catch(() => undefined);
    if (first === 'taken') await Promise.race([gone, late()]);
    patience.abort();
    return Math.max(0, graceMs - (clock.monotonic() - begun));
  };
}
