import type { Command } from 'commander';
import type { ExplainView } from '../supervisor/api.ts';
import { connect } from './client.ts';
import { withDaemon, type Where } from './options.ts';
import { printJson, tone } from './terminal.ts';

function page(view: ExplainView): string {
  const { used, limit, window_seconds } = view.restart_budget;
  const lines = [
    `${view.component} is ${tone(view.state)}.`,
    view.sentence,
    `Restarts: ${used} of ${limit} within ${window_seconds} s; ${view.attempts} since it was last well for that long.`,
    ...(view.slow_loop.used === 0
      ? []
      : [`The same crash: ${view.slow_loop.used} times within 24 h${limited(view.slow_loop.limit)}.`]),
    ...(view.poisoned_checkpoints.length === 0
      ? []
      : [`It would not continue from ${view.poisoned_checkpoints.join(', ')}: it crashed soon after, each time.`]),
    view.dependents.length === 0 ? 'Nothing depends on it.' : `What depends on it: ${view.dependents.join(', ')}.`,
    ...(view.features.length === 0 ? [] : [`What is off while it is given up: ${view.features.join(', ')}.`]),
    `Policy: ${Object.entries(view.policy)
      .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(' ')}`,
  ];
  return lines.join('\n');
}

const limited = (limit: number): string => (limit === 0 ? '' : `; with ${limit} it has failed`);

export function addExplain(program: Command): void {
  withDaemon(program.command('explain <component>'))
    .description('what would happen if a component crashed now, and why')
    .option('--json', 'as JSON')
    .action(async (component: string, options: Where & { json?: boolean }) => {
      const client = await connect(options);
      const view = await client.get<ExplainView>(`/components/${encodeURIComponent(component)}/explain`);
      if (options.json) printJson(view);
      else console.log(page(view));
    });
}
