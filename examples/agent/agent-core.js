import { ask } from './lib/ask.js';
import { serve } from './lib/control.js';
import { remember } from './lib/memory.js';

/* Does one task after the other: thinks about it, remembers what came out. A task that a crash cut off is done again. */

const KEPT = 10;

const memory = await remember({ conversations: 0, doing: null, recent: [] }, (state, operation, data) => {
  if (operation === 'task_started') state.doing = data;
  if (operation === 'task_done') {
    state.conversations += 1;
    state.doing = null;
    state.recent = [data, ...state.recent].slice(0, KEPT);
  }
});
const { state } = memory;
console.log(
  `I have had ${state.conversations} conversations; the last was about "${state.recent[0]?.text ?? 'nothing'}"`,
);

let thinking = true;

async function perform(task) {
  // Who gives us a task may give it twice when it did not live to hear our answer.
  const before = state.recent.find(({ id }) => id === task.id);
  if (before) return before;
  // Written down first: if we die while doing it, the next of us knows.
  await memory.record('task_started', task);
  const thought = await ask('soul_engine', 'POST /think', { prompt: task.text });
  thinking = thought !== undefined;
  const done = { ...task, answer: thought?.answer ?? 'I cannot think right now', at: new Date().toISOString() };
  await ask('memory_system', 'POST /remember', { id: task.id, fact: `${task.text}: ${done.answer}` });
  await memory.record('task_done', done);
  console.log(`conversation ${state.conversations}: ${done.text} → ${done.answer}`);
  return done;
}

let turn = Promise.resolve();
function enqueue(task) {
  const done = turn.then(() => perform(task));
  turn = done.catch((error) => console.error(`task ${task.id}: ${error.message}`));
  return done;
}

if (state.doing) {
  console.log(`I was in the middle of "${state.doing.text}": doing it again`);
  enqueue(state.doing).catch(() => {});
}

memory.beat(() => ({
  status: thinking ? 'healthy' : 'degraded',
  message: thinking ? '' : 'soul_engine does not answer',
  progress: state.conversations,
  metrics: { conversations: state.conversations },
}));

serve('agent_core', {
  'POST /tasks': ({ id = crypto.randomUUID(), text }) => enqueue({ id, text: String(text) }),
  'GET /state': () => state,
});
