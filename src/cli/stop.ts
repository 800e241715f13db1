import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { connect } from './client.ts';
import { alive } from './daemon-file.ts';
import { withDaemon, type Where } from './options.ts';
import { progress } from './terminal.ts';

async function gone(pid: number): Promise<void> {
  while (alive(pid)) await sleep(20);
}

export function addStop(program: Command): void {
  withDaemon(program.command('stop'))
    .description('stop the daemon with its components, and wait until it has ended')
    .option('--keep-components', 'leave the components running; the next daemon adopts them')
    .action(async (options: Where & { keepComponents?: boolean }) => {
      const client = await connect(options);
      await client.post('/stop', { keep_components: options.keepComponents ?? false });
      await progress('stopping', gone(client.pid));
      console.log(options.keepComponents ? 'stopped; the components keep running' : 'stopped');
    });
}
