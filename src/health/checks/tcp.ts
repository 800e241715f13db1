import { connect } from 'node:net';
import { z } from 'zod';
import { defineCheck, healthy, unhealthy, type CheckResult } from '../check.ts';

export const tcp = defineCheck({
  kind: 'tcp',
  summary: 'Healthy while a TCP connection can be opened.',
  options: z.strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('Name or address to connect to.'),
    port: z.number().int().min(1).max(65_535).describe('Port to connect to.'),
  }),
  run({ host, port }, { clock, signal }) {
    const started = clock.monotonic();
    return new Promise<CheckResult>((resolve) => {
      const socket = connect({ host, port });
      // Nothing is read: it is not even to begin to.
      socket.pause();
      const end = (result: CheckResult) => {
        socket.destroy();
        resolve(result);
      };
      // The signal is of this run alone, and goes with it.
      signal.addEventListener('abort', () => end(unhealthy(`${host}:${port} did not answer in time`)), { once: true });
      socket.once('connect', () =>
        end(healthy(`${host}:${port} answered in ${Math.round(clock.monotonic() - started)} ms`)),
      );
      socket.on('error', (error) => end(unhealthy(`${host}:${port} cannot be reached: ${error.message}`)));
    });
  },
});
