/**
 * What an engine that still brings something up answers, unless its end is wanted first: then null, and nobody waits
 * for the answer any more. Rejects as `answer` does.
 */
export async function unlessUnwanted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const { promise: unwanted, resolve } = Promise.withResolvers<null>();
  const leave = () => resolve(null);
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave);
  try {
    return await Promise.race([answer, unwanted]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
