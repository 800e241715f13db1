import { ask } from './lib/ask.js';
import { serve } from './lib/control.js';
import { remember } from './lib/memory.js';

/* Who the agent is: turns a prompt into an answer of the language model, in the mood it has grown into. */

const moods = ['curious', 'calm', 'cheerful', 'thoughtful'];
const memory = await remember({ thoughts: 0, mood: moods[0] }, (state, operation) => {
  if (operation !== 'thought') return;
  state.thoughts += 1;
  // The mood follows from the count alone: replaying the journal leads to the same one.
  state.mood = moods[Math.floor(state.thoughts / 10) % moods.length];
});
const { state } = memory;
console.log(`I am ${state.mood} after ${state.thoughts} thoughts`);

let modelAnswers = true;

async function think({ prompt = '' }) {
  const messages = [
    { role: 'system', content: `You are ${state.mood}.` },
    { role: 'user', content: prompt },
  ];
  const request = { model: 'stand-in', messages };
  const completion = await memory.guard('language_model', () => ask('llm', 'POST /v1/chat/completions', request));
  modelAnswers = completion !== undefined;
  if (!completion) return { answer: 'the language model does not answer', mood: state.mood };
  await memory.record('thought', { prompt });
  return { answer: completion.choices[0].message.content, mood: state.mood };
}

memory.beat(() => ({
  status: modelAnswers ? 'healthy' : 'degraded',
  message: modelAnswers ? `feeling ${state.mood}` : 'the language model does not answer',
  metrics: { thoughts: state.thoughts },
}));

serve('soul_engine', { 'POST /think': think, 'GET /state': () => state });
