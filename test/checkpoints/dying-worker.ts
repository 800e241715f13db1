import { parentPort } from 'node:worker_threads';

/** The real worker, which a state of "die" kills. */
parentPort?.on('message', (requests: { body?: Uint8Array[] }[]) => {
  for (const { body } of requests)
    if (body && Buffer.concat(body).toString() === '{"state":"die"}') throw new Error('it was told to die');
});
await import('../../src/checkpoints/worker.ts');
