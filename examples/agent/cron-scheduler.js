import { ask } from './lib/ask.js';
import { serve } from './lib/control.js';
import { remember } from './lib/memory.js';

/* Gives the agent something to do every few seconds, and knows afterwards which runs it has missed. */

const everyMs = Number(process.env.EVERY_MS ?? 5_000);
const jobs = ['read the news', 'water the plants', 'tidy up the desk', 'look at the weather'];

const memory = await remember({ runs: 0, lastRunAt: null }, (state, operation, { at }) => {
  if (operation !== 'run') return;
  state.runs += 1;
  state.lastRunAt = at;
});
const { state } = memory;
const missed = state.lastRunAt === null ? 0 : Math.floor((Date.now() - Date.parse(state.lastRunAt)) / everyMs);
console.log(`${state.runs} runs so far, ${missed} missed while I was away`);

async function run() {
  // The run counts from here on, even if we die with the task half given: jobs of this kind are not to be repeated.
  await memory.record('run', { at: new Date().toISOString() });
  const text = jobs[state.runs % jobs.length];
  const taken = await ask('agent_core', 'POST /tasks', { id: `job-${state.runs}`, text });
  console.log(`run ${state.runs}: ${text}${taken ? '' : ' (the agent did not take it)'}`);
}

/** Jobs of every day can wait: what matters comes first where there is little room. */
const wait = ({ message }) => console.log(message);
const tick = () => memory.features.run('routine_jobs', () => memory.undertake(run), wait);
setInterval(() => tick().catch((error) => console.error(`run: ${error.message}`)), everyMs);
memory.beat(() => ({ progress: state.runs, metrics: { runs: state.runs, missed_runs: missed } }));
serve('cron_scheduler', { 'POST /run': run, 'GET /state': () => state });
