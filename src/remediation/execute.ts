import type { Clock } from '../clock.ts';
import { ParamedicError, sentenceOf } from '../errors.ts';
import type { EventOf, ExecutionOutcome } from '../model/index.ts';
import type { Decided } from './book.ts';

export interface ExecuteDeps {
  readonly clock: Clock;
  /** Asks the action registry as a webhook; resolves when the action is verified. */
  readonly act: (action: string, parameters: unknown) => Promise<string>;
}

/** An action that takes longer has lost its way: whoever waits for it (the lock, the alert) goes on. */
const LONGEST_MS = 15 * 60_000;

/**
 * Carries out one decision and waits until it is verified. Never rejects.
 * @param action what to do, when not what was decided: a daemon that finds it half done only waits for its end.
 * @returns what to state; null: the daemon is stopping, and the next one goes on with it.
 */
export async function execute(
  decided: Decided,
  { clock, act }: ExecuteDeps,
  action: string = decided.action,
): Promise<EventOf<'remediation.finished'> | null> {
  const done = new AbortController();
  const tooLong = clock.sleep(LONGEST_MS, done.signal).then(
    () => ({ outcome: 'timeout' as const, message: 'it was not verified in time' }),
    () => null,
  );
  const parameters = action === decided.action ? decided.parameters : { component: decided.parameters['component'] };
  const acted = act(action, parameters).then(
    (message) => ({ outcome: 'success' as ExecutionOutcome, message }),
    (error: unknown) =>
      isCode(error, 'SHUTTING_DOWN') ? null : { outcome: outcomeOf(error), message: sentenceOf(error) },
  );
  const ended = await Promise.race([acted, tooLong]);
  done.abort();
  if (!ended) return null;
  const at = clock.now();
  const { remediation, component } = decided;
  const durationMs = Math.max(0, at - decided.at);
  return { type: 'remediation.finished', at, component, remediation, action: decided.action, ...ended, durationMs };
}

const isCode = (error: unknown, code: string): boolean => error instanceof ParamedicError && error.code === code;

/** It was done, but what came of it is not well; or it could not be done. */
const outcomeOf = (error: unknown): ExecutionOutcome => (isCode(error, 'ACTION_FAILED') ? 'verify_failed' : 'failure');
