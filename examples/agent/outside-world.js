import { serve } from './lib/control.js';

/* What the agent would find on the internet, on this machine: a language model, a mailbox and a web page. */

const mails = [];
const deliver = ({ subject = 'hello' }) => {
  mails.push({ number: (mails.at(-1)?.number ?? Math.floor(Date.now() / 1_000)) + 1, subject });
  return mails.at(-1);
};
deliver({ subject: 'Welcome to your inbox' });

function complete({ messages = [] }) {
  const prompt = messages.at(-1)?.content ?? '';
  const content = `I thought about ${prompt.length} characters and it is all fine.`;
  return { object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content } }] };
}

console.log('the outside world: nobody there remembers anything');

serve('outside_world', {
  'POST /v1/chat/completions': complete,
  'GET /inbox': (_, query) => ({ mails: mails.filter(({ number }) => number > Number(query.get('after') ?? 0)) }),
  'POST /inbox': deliver,
  'GET /page': () => '<title>A page of the outside world</title>',
});
