import { ask } from './lib/ask.js';
import { serve } from './lib/control.js';
import { remember } from './lib/memory.js';

/* Reads the inbox and hands every mail to the agent: at least once, whatever dies in between. */

const POLL_MS = 2_000;

const memory = await remember({ lastSeen: 0, handled: 0 }, (state, operation, { number }) => {
  if (operation !== 'mail_handled') return;
  state.lastSeen = number;
  state.handled += 1;
});
const { state } = memory;
console.log(`${state.handled} mails handled so far; going on after number ${state.lastSeen}`);

let mailServerAnswers = true;

async function poll() {
  const inbox = await ask('mail', `GET /inbox?after=${state.lastSeen}`);
  mailServerAnswers = inbox !== undefined;
  for (const { number, subject } of inbox?.mails ?? []) {
    const task = { id: `mail-${number}`, text: `answer the mail "${subject}"` };
    // Only what the agent has taken is ticked off; one taken twice it recognises by its id.
    if (!(await ask('agent_core', 'POST /tasks', task))) break;
    await memory.record('mail_handled', { number });
    console.log(`mail ${number} handled: ${subject}`);
  }
}

async function pollForEver() {
  await memory.undertake(poll).catch((error) => console.error(`polling: ${error.message}`));
  setTimeout(pollForEver, POLL_MS);
}

memory.beat(() => ({
  status: mailServerAnswers ? 'healthy' : 'degraded',
  message: mailServerAnswers ? '' : 'the mail server does not answer',
  metrics: { mails_handled: state.handled },
}));

serve('gmail_service', { 'POST /poll': poll, 'GET /state': () => state });
await pollForEver();
