/**
 * Asks another component; undefined when it does not answer. Neighbours come and go: who lives with them must be able
 * to do without them for a while, and say `degraded` meanwhile instead of dying too.
 * @param peer its address is in the environment: `SOUL_ENGINE_URL` for `soul_engine`
 */
export async function ask(peer, request, body) {
  const [method, path] = request.split(' ');
  const base = process.env[`${peer.toUpperCase()}_URL`];
  if (base === undefined) return undefined;
  try {
    const answer = await fetch(base + path, {
      method,
      signal: AbortSignal.timeout(2_000),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return answer.ok ? await answer.json() : undefined;
  } catch {
    return undefined;
  }
}
