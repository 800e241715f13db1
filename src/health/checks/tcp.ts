import { connect } from 'node:net';
import { z } from 'zod';
import { defineCheck, healthy, unhealthy } from '../check.ts';

export const tcp = defineCheck({
  kind: 'tcp',
  summary: 'Healthy while a TCP connection can be opened.',
  options: z.strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('Name or address to connect to.'),
    port: z.number().int().min(1).max(65_535).describe('Port to connect to.'),
  }),
  run({ host, port }, { clock, signal }) {
    const started = clock.monotonic();
    return new Promise((resolve) => {
      const socket = connect({ host, port, signal });
      socket.once('connect', () => {
        socket.destroy();
        resolve(healthy(`${host}:${port} answered in ${Math.round(clock.monotonic() - started)} ms`));
      });
      socket.once('error', (error) => resolve(unhealthy(`${host}:${port} ${error.message}`)));
    });
  },
});
