import type { Command } from 'commander';
import { formatDuration } from '../format.ts';
import type { RemediationView } from '../remediation/index.ts';
import { connect } from './client.ts';
import { wholeNumber, withDaemon, type Where } from './options.ts';
import { paint, printJson, table } from './terminal.ts';

const HEADINGS = ['AT', 'ALERT', 'STATUS', 'ACTION', 'COMPONENT', 'DECISION', 'OUTCOME', 'TOOK', 'WHY'];

const row = (view: RemediationView): string[] => [
  view.at,
  view.alert.name,
  view.alert.status,
  view.action,
  view.component,
  paint(view.decision === 'execute' ? 'green' : 'yellow', view.decision),
  view.outcome === null ? '-' : paint(view.outcome === 'success' ? 'green' : 'red', view.outcome),
  view.duration_seconds === null ? '-' : formatDuration(view.duration_seconds * 1_000),
  view.why || view.message,
];

async function list(options: Where & { json?: boolean; lines: number }): Promise<void> {
  const path = `/remediations?limit=${options.lines}`;
  const { remediations } = await (await connect(options)).get<{ remediations: RemediationView[] }>(path);
  if (options.json) printJson(remediations);
  else
    console.log(
      remediations.length === 0 ? 'No alert has asked for anything.' : table(HEADINGS, remediations.map(row)),
    );
}

export function addRemediations(program: Command): void {
  const command = program.command('remediations').description('what alerts have asked for, and what became of it');
  withDaemon(command.command('list'))
    .description('the newest first')
    .option('-n, --lines <count>', 'how many (1 to 1000)', wholeNumber(1, 1_000), 50)
    .option('--json', 'as JSON')
    .action(list);
}
