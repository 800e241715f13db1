import type { Command } from 'commander';
import type { BreakerView } from '../http/breakers.ts';
import { connect } from './client.ts';
import { withDaemon, type Where } from './options.ts';
import { paint, printJson, table } from './terminal.ts';

const HEADINGS = ['BREAKER', 'STATE', 'SINCE', 'CALLS', 'FAILED', 'PROBES', 'WHY'];

function shown(state: BreakerView['state']): string {
  if (state === 'closed') return paint('green', state);
  return paint(state === 'open' || state === 'forced_open' ? 'red' : 'yellow', state);
}

const row = (breaker: BreakerView): string[] => [
  breaker.name,
  shown(breaker.state),
  breaker.since,
  String(breaker.calls),
  breaker.failure_ratio === null ? '-' : `${Math.round(breaker.failure_ratio * 100)}%`,
  String(breaker.probes_in_flight),
  breaker.reason,
];

async function list(options: Where & { json?: boolean }): Promise<void> {
  const { breakers } = await (await connect(options)).get<{ breakers: BreakerView[] }>('/breakers');
  if (options.json) printJson(breakers);
  else console.log(breakers.length === 0 ? 'No breakers.' : table(HEADINGS, breakers.map(row)));
}

const wishes = [
  { wish: 'open', about: 'let no call through until it is closed or reset' },
  { wish: 'close', about: 'let every call through until it is opened or reset' },
  { wish: 'reset', about: 'close it, forget what it has seen and let it judge by itself again' },
] as const;

export function addBreakers(program: Command): void {
  const command = program.command('breakers').description('circuit breakers round what the components lean on');
  withDaemon(command.command('list'))
    .description('all breakers, their states and why')
    .option('--json', 'as JSON')
    .action(list);
  for (const { wish, about } of wishes)
    withDaemon(command.command(`${wish} <breaker>`))
      .description(about)
      .action(async (breaker: string, options: Where) => {
        const path = `/breakers/${encodeURIComponent(breaker)}/${wish}`;
        console.log((await (await connect(options)).post<{ message: string }>(path)).message);
      });
}
