import type { Command } from 'commander';
import type { ReloadView } from '../supervisor/api.ts';
import { connect } from './client.ts';
import { withDaemon, type Where } from './options.ts';

/** `added: a, b; changed: c`, or that there was nothing to do. */
export function reloadLine({ added, removed, changed }: ReloadView): string {
  const parts = Object.entries({ added, removed, changed }).filter(([, names]) => names.length > 0);
  return parts.map(([what, names]) => `${what}: ${names.join(', ')}`).join('; ') || 'no component changed';
}

export function addReload(program: Command): void {
  withDaemon(program.command('reload'))
    .description('read the configuration again; untouched components keep running')
    .action(async (options: Where) => {
      console.log(reloadLine(await (await connect(options)).post<ReloadView>('/reload')));
    });
}
