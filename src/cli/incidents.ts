import type { Command } from 'commander';
import { failure } from '../errors.ts';
import { formatDuration } from '../format.ts';
import type { IncidentView } from '../incidents/index.ts';
import { connect } from './client.ts';
import { wholeNumber, withDaemon, type Where } from './options.ts';
import { harmless, paint, printJson, table } from './terminal.ts';

type Timeline = IncidentView & { readonly timeline: readonly { readonly at: string; readonly message: string }[] };
type Options = Where & { json?: boolean };

/** Enough of an id to tell it from the others; every command takes the beginning of one. */
const SHOWN_DIGITS = 12;
const HEADINGS = ['INCIDENT', 'STATE', 'SEVERITY', 'COMPONENT', 'OPENED', 'LASTED', 'REPEATS', 'TITLE'];

const severityTone = (severity: string): string =>
  severity === 'critical' || severity === 'high' ? paint('red', severity) : paint('yellow', severity);

const stateTone = (state: string): string => paint(state === 'resolved' ? 'green' : 'red', state);

const row = (incident: IncidentView): string[] => [
  incident.incident_id.slice(0, SHOWN_DIGITS),
  stateTone(incident.state),
  severityTone(incident.severity),
  incident.component,
  incident.opened_at,
  formatDuration(incident.duration_seconds * 1_000),
  String(incident.repeats),
  incident.previous === null ? incident.title : `${incident.title} (came back)`,
];

/** @throws INCIDENT_NOT_FOUND for no id at all: an empty variable in a script would ask for the list. */
function pathOf(id: string): string {
  if (id === '') throw failure('INCIDENT_NOT_FOUND', { incident: id });
  return `/incidents/${encodeURIComponent(id)}`;
}

async function list(options: Options & { component?: string; open?: boolean; lines: number }): Promise<void> {
  const query = new URLSearchParams({ limit: String(options.lines) });
  if (options.open) query.set('state', 'open');
  if (options.component !== undefined) query.set('component', options.component);
  const { incidents } = await (
    await connect(options)
  ).get<{ incidents: IncidentView[] }>(`/incidents?${query.toString()}`);
  if (options.json) printJson(incidents);
  else console.log(incidents.length === 0 ? 'No incidents.' : table(HEADINGS, incidents.map(row)));
}

function page(incident: Timeline): string {
  const facts = [
    ['incident', `${incident.incident_id} (also its trace id)`],
    ['about', incident.breaker === null ? incident.component : `breaker ${incident.breaker} (${incident.component})`],
    ['severity', `${severityTone(incident.severity)}, ${incident.category}`],
    ['began', incident.started_at],
    ['opened', incident.opened_at],
    ['acknowledged', said(incident.acknowledged_at, incident.acknowledged_by)],
    ['resolved', said(incident.resolved_at, incident.resolved_by, incident.resolution)],
    ['lasted', formatDuration(incident.duration_seconds * 1_000)],
    ['repeated', `${incident.repeats} times while it was open`],
    ...(incident.previous === null ? [] : [['came back', `soon after ${incident.previous}`]]),
  ];
  const head = `${paint('bold', incident.title)}${incident.description === '' ? '' : `: ${incident.description}`}`;
  const lines = facts.map(([name = '', value = '']) => `${name.padEnd(13)} ${value}`);
  const story = incident.timeline.map(({ at, message }) => `${paint('dim', at)} ${message}`);
  return [head, '', ...lines, '', ...story].map(harmless).join('\n');
}

const said = (at: string | null, by: string | null, how: string | null = null): string =>
  at === null ? 'not yet' : `${at} by ${by}${how === null ? '' : `: ${how}`}`;

async function show(id: string, options: Options): Promise<void> {
  const incident = await (await connect(options)).get<Timeline>(pathOf(id));
  if (options.json) printJson(incident);
  else console.log(page(incident));
}

async function change(id: string, verb: 'ack' | 'resolve', body: object, options: Options): Promise<void> {
  const incident = await (await connect(options)).post<IncidentView>(`${pathOf(id)}/${verb}`, body);
  if (options.json) printJson(incident);
  else console.log(`${incident.incident_id} is ${incident.state}`);
}

export function addIncidents(program: Command): void {
  const command = program.command('incidents').description('what went wrong, and how it was healed');
  withDaemon(command.command('list'))
    .description('the newest first')
    .option('--open', 'only those that are not resolved')
    .option('--component <name>', 'only of this one')
    .option('-n, --lines <count>', 'how many (1 to 1000)', wholeNumber(1, 1_000), 50)
    .option('--json', 'as JSON')
    .action(list);
  withDaemon(command.command('show <incident>'))
    .description('one incident with all that happened; the beginning of its id is enough')
    .option('--json', 'as JSON')
    .action(show);
  withDaemon(command.command('ack <incident>'))
    .description('say that a person has seen it')
    .option('--json', 'as JSON')
    .action((id: string, options: Options) => change(id, 'ack', {}, options));
  withDaemon(command.command('resolve <incident>'))
    .description('say that it is over')
    .option('--resolution <text>', 'how it was mended')
    .option('--json', 'as JSON')
    .action((id: string, { resolution, ...options }: Options & { resolution?: string }) =>
      change(id, 'resolve', resolution === undefined ? {} : { resolution }, options),
    );
}
