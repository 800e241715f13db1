import type { Command } from 'commander';
import type { ReloadView } from '../supervisor/api.ts';
import { connect } from './client.ts';
import { withDaemon, type Where } from './options.ts';

/** `added: a, b; changed: c`, or that there was nothing to do; then what a reload cannot do. */
export function reloadLine({ added, removed, changed, daemon_restart_needed: needed }: ReloadView): string {
  const parts = Object.entries({ added, removed, changed }).filter(([, names]) => names.length > 0);
  const done = parts.map(([what, names]) => `${what}: ${names.join(', ')}`).join('; ') || 'no component changed';
  const rest = `only a new daemon applies what has changed of: ${needed.join(', ')}`;
  return needed.length === 0 ? done : `${done}\n${rest} (\`paramedic stop --keep-components\`, then start it)`;
}

export function addReload(program: Command): void {
  withDaemon(program.command('reload'))
    .description('read the configuration again; untouched components keep running')
    .action(async (options: Where) => {
      console.log(reloadLine(await (await connect(options)).post<ReloadView>('/reload')));
    });
}
