import { durability, eventTypes, type EventType } from '../model/index.ts';
import { buckets, catalogue, maxSeries, metricNames, type LabelSource } from './catalogue.ts';
import { meanings } from './meanings.ts';

/** The sizes that the bound on the number of series is promised for. */
export const DEFAULT_SIZES = { components: 26, checks: 4, breakers: 25 };

const groups = [...new Set(metricNames.map((name) => catalogue[name].group))];

/** docs/reference/metrics.md */
export function metricsPage(): string {
  const total = metricNames.reduce((sum, name) => sum + maxSeries(catalogue[name], DEFAULT_SIZES), 0);
  return [
    '# Metrics',
    '',
    'Generated from `src/telemetry/catalogue.ts`. Everything on `/metrics` beside the metrics of Node itself (`process_*`, `nodejs_*`).',
    '',
    `At most ${total} series with 25 components, the host, ${DEFAULT_SIZES.checks} checks each and ${DEFAULT_SIZES.breakers} breakers. A label value that is neither in its list nor configured becomes \`_OTHER\` and is counted in \`paramedic_metrics_label_overflow_total\`. Exemplars are given in the OpenMetrics format only.`,
    ...groups.flatMap((group) => [
      '',
      `## ${group}`,
      '',
      '| metric | type | labels | unit | exemplar | meaning |',
      '| --- | --- | --- | --- | --- | --- |',
      ...metricNames.filter((name) => catalogue[name].group === group).map(metricRow),
    ]),
    '',
    '## Labels',
    '',
    '| label | values |',
    '| --- | --- |',
    ...labelRows(),
    '',
    '## Buckets',
    '',
    'Upper bounds in seconds.',
    '',
    '| set | bounds | used by |',
    '| --- | --- | --- |',
    ...Object.entries(buckets).map(([set, bounds]) => `| ${set} | ${bounds.join(', ')} | ${usersOf(set)} |`),
    '',
  ].join('\n');
}

function metricRow(name: (typeof metricNames)[number]): string {
  const { type, labels, unit, exemplar, help } = catalogue[name];
  const labelled = Object.keys(labels).map((label) => `\`${label}\``);
  return `| \`${name}\` | ${type} | ${labelled.join(', ')} | ${unit ?? ''} | ${exemplar ? 'yes' : ''} | ${help} |`;
}

function labelRows(): string[] {
  const rows = metricNames.flatMap((name) =>
    Object.entries(catalogue[name].labels).map(([label, source]) => `| \`${label}\` | ${valuesText(source)} |`),
  );
  return [...new Set(rows)].toSorted();
}

function valuesText(source: LabelSource): string {
  if (source === 'component') return 'a configured component, or `host` on metrics of checks';
  if (source === 'check') return 'a configured check of the component';
  if (source === 'breaker') return 'a configured breaker';
  if (source === 'text') return 'one at a time';
  return 'atMost' in source
    ? `at most ${source.atMost}, then \`_OTHER\``
    : source.map((value) => `\`${value}\``).join(' ');
}

const usersOf = (set: string): string =>
  metricNames
    .filter((name) => catalogue[name].buckets === set)
    .map((name) => `\`${name}\``)
    .join(', ');

const durabilityText = {
  decision: 'on disk before anyone is told; survives SIGKILL of the daemon',
  observation: 'on disk within 100 ms, or with the next decision',
  passing: 'told, never stored',
} as const;

/** docs/reference/events.md */
export function eventsPage(): string {
  const room = (type: EventType) => type.split('.')[0] ?? '';
  return [
    '# Events',
    '',
    'Generated from `src/model/events.ts`. Everything that can happen, as it is stored, streamed (`GET /api/v1/events`) and logged.',
    '',
    '| durability | meaning |',
    '| --- | --- |',
    ...Object.entries(durabilityText).map(([kind, text]) => `| ${kind} | ${text} |`),
    ...[...new Set(eventTypes.map(room))].flatMap((name) => [
      '',
      `## ${name}`,
      '',
      '| event | durability | meaning |',
      '| --- | --- | --- |',
      ...eventTypes
        .filter((type) => room(type) === name)
        .map((type) => `| \`${type}\` | ${durability[type]} | ${meanings[type]} |`),
    ]),
    '',
  ].join('\n');
}
