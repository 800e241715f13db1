import { parentPort } from 'node:worker_threads';

/** The real worker, which a state of "die" kills. */
parentPort?.on('message', (request: { body?: Uint8Array }) => {
  if (request.body && Buffer.from(request.body).toString() === '{"state":"die"}') throw new Error('it was told to die');
});
await import('../../src/checkpoints/worker.ts');
