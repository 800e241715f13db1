import type { EventOf, RecoveryEvent } from '../model/index.ts';

/** Why a run ended whose daemon was asked to stop: by this it is known again. */
export const STOPPED = 'the daemon was stopped meanwhile';

/**
 * The newest run, if its daemon ended in the middle of it, so that its fault may still lie there; pure.
 * @param past what experiments did and when daemons started, oldest first.
 * @returns `finished`: it was still told that it was aborted, by the daemon just before this one.
 */
export function openRun(
  past: readonly RecoveryEvent[],
): { readonly started: EventOf<'experiment.started'>; readonly finished: boolean } | undefined {
  const started = past.findLast((event) => event.type === 'experiment.started');
  if (!started) return undefined;
  const end = past.findLastIndex((event) => event.type === 'experiment.finished' && event.run === started.run);
  const verdict = past[end];
  if (verdict?.type !== 'experiment.finished') return { started, finished: false };
  const before = past.findLastIndex(({ type }) => type === 'daemon.started');
  return verdict.why === STOPPED && end > before ? { started, finished: true } : undefined;
}
