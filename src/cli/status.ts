import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { failure, sentenceOf } from '../errors.ts';
import { formatDuration, formatSize } from '../format.ts';
import type { ComponentView, StatusView } from '../supervisor/api.ts';
import { connect } from './client.ts';
import { paintLevel } from './degrade.ts';
import { withDaemon, type Where } from './options.ts';
import { harmless, paint, printJson, table, tone } from './terminal.ts';

const HEADINGS = ['COMPONENT', 'STATE', 'HEALTH', 'PID', 'UPTIME', 'RESTARTS', 'CPU', 'MEMORY', 'WHY'];
const ABSENT = '-';

const percent = (ratio: number | null): string => (ratio === null ? ABSENT : `${Math.round(ratio * 100)}%`);
const lasted = (seconds: number | null): string => (seconds === null ? ABSENT : formatDuration(seconds * 1_000));

function why(component: ComponentView): string {
  const notes = [
    component.enabled ? '' : 'not enabled',
    component.held ? 'held by a person' : '',
    component.adopted ? 'adopted' : '',
    component.why,
  ];
  return notes.filter((note) => note !== '').join('; ');
}

const row = (component: ComponentView): string[] => [
  component.name,
  tone(component.state),
  tone(component.health),
  component.pid === null ? ABSENT : String(component.pid),
  lasted(component.uptime_seconds),
  String(component.restarts),
  percent(component.cpu_ratio),
  component.resident_memory_bytes === null ? ABSENT : formatSize(component.resident_memory_bytes),
  why(component),
];

/** What is given up at this moment; nothing when all is on. */
function givenUp({ level, level_why: why, features_off: off }: StatusView): string[] {
  return [
    ...(level === 'full' ? [] : [`level ${paintLevel(level)}${why === '' ? '' : `: ${harmless(why)}`}`]),
    ...(off.length === 0 ? [] : [`features off: ${off.join(', ')}`]),
  ];
}

/** The page that `paramedic status` prints. */
export function statusPage(status: StatusView): string {
  const { restarts_last_hour: used, max_restarts_per_hour: limit } = status;
  const facts = [
    `pid ${status.pid}`,
    `up ${lasted(status.uptime_seconds)}`,
    status.address.includes('://') ? status.address : `http://${status.address}`,
    `${used} of ${limit} restarts in the last hour`,
    ...(status.recovery_mode ? [paint('yellow', 'recovery mode')] : []),
  ];
  const head = `paramedic ${status.version}: ${tone(status.health)}; ${facts.join(', ')}`;
  const above = [head, ...(status.why === '' ? [] : [status.why]), ...givenUp(status)].join('\n');
  if (status.components.length === 0) return `${above}\n\nNothing is configured.`;
  return `${above}\n\n${table(HEADINGS, status.components.map(row))}`;
}

async function watch(where: Where): Promise<never> {
  if (!process.stdout.isTTY) throw failure('USAGE', { why: '--watch redraws a terminal; here is none.' });
  for (;;) {
    let page: string;
    try {
      page = statusPage(await (await connect(where)).get<StatusView>('/status'));
    } catch (error) {
      page = sentenceOf(error);
    }
    process.stdout.write(`\u001B[H\u001B[2J${page}\n`);
    await sleep(1_000);
  }
}

export function addStatus(program: Command): void {
  withDaemon(program.command('status'))
    .description('how the daemon and its components are')
    .option('--json', 'as JSON')
    .option('--watch', 'redraw every second')
    .action(async (options: Where & { json?: boolean; watch?: boolean }) => {
      if (options.watch) return watch(options);
      const status = await (await connect(options)).get<StatusView>('/status');
      if (options.json) printJson(status);
      else console.log(statusPage(status));
    });
}
