import { serve } from './lib/control.js';
import { remember } from './lib/memory.js';

/* The agent's own pulse: looks at every other part once a second and tells when one falls silent or comes back. */

const memory = await remember({ changes: 0, last: null }, (state, operation, data) => {
  if (operation !== 'changed') return;
  state.changes += 1;
  state.last = data;
});
const { state } = memory;
console.log(`${state.changes} changes seen so far; the last: ${JSON.stringify(state.last)}`);

/** `agent_core=http://127.0.0.1:19480 soul_engine=…` */
const peers = (process.env.PEERS ?? '').split(' ').flatMap((pair) => (pair === '' ? [] : [pair.split('=')]));
const alive = new Map();

async function look([name, url]) {
  const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(900) }).catch(() => undefined);
  const is = answer?.ok ? 'well' : answer ? 'unwell' : 'silent';
  const was = alive.get(name);
  alive.set(name, is);
  if (was === undefined || was === is) return;
  console.log(`${name}: ${was} → ${is}`);
  await memory.record('changed', { name, was, is, at: new Date().toISOString() });
}

setInterval(() => {
  for (const peer of peers) look(peer).catch((error) => console.error(`${peer[0]}: ${error.message}`));
}, 1_000);

const unwell = () => [...alive].filter(([, is]) => is !== 'well').map(([name]) => name);
memory.beat(() => ({ message: unwell().join(', '), metrics: { peers_unwell: unwell().length } }));
serve('heartbeat', { 'GET /peers': () => Object.fromEntries(alive) });
