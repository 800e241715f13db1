import { parentPort } from 'node:worker_threads';

/** The real worker. A state of "die" kills it; "die silently" has it die when the next recovery is stored, unsaid. */
const port = parentPort;
let silent: number | null = null;
let armed = false;

port?.on('message', (requests: { id: number; job: string; body?: Uint8Array[] }[]) => {
  for (const { id, job, body } of requests) {
    const text = body && Buffer.concat(body).toString();
    if (text === '{"state":"die"}') throw new Error('it was told to die');
    if (text === '{"state":"die silently"}') armed = true;
    if (armed && job === 'resumeFrom') silent = id;
  }
});

const post = port?.postMessage.bind(port);
if (port && post)
  port.postMessage = (message: { answers?: { id: number }[] }, given) => {
    if (message.answers?.some(({ id }) => id === silent)) throw new Error('it was told to die');
    post(message, given);
  };
await import('../../src/checkpoints/worker.ts');
