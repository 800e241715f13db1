import { serve } from './lib/control.js';

/* Fetches pages for the agent. It keeps nothing and knows nothing of Paramedic: it is watched from outside only. */

console.log('nothing to remember, nobody to tell');

const home = process.env.PAGES_URL ?? 'http://127.0.0.1:9';

serve('browser_control', {
  'POST /visit': async ({ url = `${home}/page` }) => {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    const text = await answer.text();
    console.log(`visited ${url}: ${answer.status}`);
    return { url, status: answer.status, title: /<title>([^<]*)<\/title>/i.exec(text)?.[1] ?? '' };
  },
});
