import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { connect, type Client } from './client.ts';
import { alive } from './daemon-file.ts';
import { withDaemon, type Where } from './options.ts';
import { progress } from './terminal.ts';

async function gone(pid: number): Promise<void> {
  while (alive(pid)) await sleep(20);
}

/** Asks the daemon to stop and waits until it has ended. */
export async function stopDaemon(client: Client, keepComponents: boolean): Promise<void> {
  await client.post('/stop', { keep_components: keepComponents });
  await progress('stopping', gone(client.pid));
}

export function addStop(program: Command): void {
  withDaemon(program.command('stop'))
    .description('stop the daemon with its components, and wait until it has ended')
    .option('--keep-components', 'leave the components running; the next daemon adopts them')
    .action(async (options: Where & { keepComponents?: boolean }) => {
      await stopDaemon(await connect(options), options.keepComponents ?? false);
      console.log(options.keepComponents ? 'stopped; the components keep running' : 'stopped');
    });
}
