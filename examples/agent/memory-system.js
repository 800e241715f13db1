import { serve } from './lib/control.js';
import { remember } from './lib/memory.js';

/* The agent's long-term memory: facts, each with an id. What it has acknowledged it never forgets. */

const KEPT = 1_000;

const memory = await remember({ facts: [] }, (state, operation, { id, fact, at }) => {
  // A fact sent twice is one fact.
  if (operation === 'fact' && !state.facts.some((known) => known.id === id)) {
    state.facts = [...state.facts, { id, fact, at }].slice(-KEPT);
  }
});
const { state } = memory;
console.log(`I know ${state.facts.length} facts`);

memory.beat(() => ({ metrics: { facts: state.facts.length } }));

serve('memory_system', {
  'POST /remember': async ({ id = crypto.randomUUID(), fact }) => {
    await memory.record('fact', { id, fact: String(fact), at: new Date().toISOString() });
    return { id, facts: state.facts.length };
  },
  'GET /facts': (_, query) => {
    const wanted = query.get('q') ?? '';
    return { count: state.facts.length, facts: state.facts.filter(({ fact }) => fact.includes(wanted)).slice(-20) };
  },
});
