import type { Command } from 'commander';
import { connect } from './client.ts';
import { withDaemon, type Where } from './options.ts';
import { progress } from './terminal.ts';

const actions = [
  { command: 'restart', action: 'restart', about: 'restart a component; done when it is verified healthy' },
  { command: 'start-component', action: 'start', about: 'start a component; done when it is verified healthy' },
  { command: 'stop-component', action: 'stop', about: 'stop a component; it stays down until somebody starts it' },
] as const;

/** `restart`, `start-component` and `stop-component`: the same request in three words. */
export function addComponentActions(program: Command): void {
  for (const { command, action, about } of actions)
    withDaemon(program.command(`${command} <component>`))
      .description(about)
      .option('--force', 'also when policy or budget refuse it')
      .action(async (component: string, options: Where & { force?: boolean }) => {
        const client = await connect(options);
        const path = `/components/${encodeURIComponent(component)}/${action}`;
        const body = options.force ? { force: true } : {};
        const { message } = await progress(`${action} of ${component}`, client.post<{ message: string }>(path, body));
        console.log(message);
      });
}
