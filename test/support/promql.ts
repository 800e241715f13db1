import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { catalogue, metricNames } from '../../src/telemetry/catalogue.ts';

/*
 * Does a PromQL expression ask only for what exists? Metrics and labels come from the catalogue, recorded series from
 * the rules that make them.
 */

/** What a series may carry: label, and its values if they are a list. */
export type Labels = ReadonlyMap<string, readonly string[] | null>;

interface Series {
  readonly labels: Labels;
  readonly grows: boolean;
  /** Any label may stand on it. */
  readonly open?: true;
}

/** All series that may be asked for, by name. */
export type Known = ReadonlyMap<string, Series>;

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** What Prometheus puts on everything that it scrapes. */
const TARGET: readonly (readonly [string, null])[] = [
  ['job', null],
  ['instance', null],
];

/** Prometheus' own series that rules and panels read. */
const own: readonly (readonly [string, Series])[] = [
  ['up', { labels: new Map(TARGET), grows: false }],
  ['ALERTS', { labels: new Map([['alertstate', ['pending', 'firing']]]), grows: false, open: true }],
];

/** The catalogue as a scrape shows it, and what the rules record from it. */
export function known(rules: readonly RecordingRule[]): Known {
  const series = new Map<string, Series>(own);
  for (const name of metricNames) {
    const { type, labels } = catalogue[name];
    const all = new Map([
      ...TARGET,
      ...Object.entries(labels).map(([label, source]) => [label, Array.isArray(source) ? source : null] as const),
    ]);
    const grows = type !== 'gauge';
    if (type !== 'histogram') series.set(name, { labels: all, grows });
    else {
      series.set(`${name}_bucket`, { labels: new Map([...all, ['le', null]]), grows });
      for (const part of ['sum', 'count']) series.set(`${name}_${part}`, { labels: all, grows });
    }
  }
  for (const { record, expr, labels = {} } of rules) {
    const added = Object.keys(labels).map((label) => [label, null] as const);
    series.set(record, { labels: new Map([...outputLabels(expr, series), ...added]), grows: false });
  }
  return series;
}

/**
 * The labels that a result can carry: those of all that is asked for, less what is summed away. The right side of
 * `and` and `unless` gives none.
 */
export function outputLabels(expr: string, series: Known): Labels {
  const root = parse(expr);
  const asides = all(root, 'BinaryExpr').flatMap((each) =>
    each.getChild('And') || each.getChild('Unless') ? (each.lastChild ?? []) : [],
  );
  const labels = new Map(
    selectors(root, expr)
      .filter(({ from }) => !asides.some((aside) => aside.from <= from && from < aside.to))
      .flatMap(({ name }) => [...(series.get(name)?.labels ?? [])]),
  );
  if (/histogram_quantile/.test(expr)) labels.delete('le');
  for (const modifier of all(root, 'AggregateModifier')) {
    const named = texts(modifier, 'LabelName', expr);
    const by = modifier.getChild('By') !== null;
    for (const label of labels.keys()) if (named.includes(label) !== by) labels.delete(label);
  }
  return labels;
}

/** Everything that is wrong with an expression; nothing, when it can be answered. */
export function problems(expr: string, series: Known): string[] {
  const root = parse(expr);
  if (all(root, '⚠').length > 0) return ['does not parse'];
  return [
    ...selectors(root, expr).flatMap((selector) => wrongSelector(selector, series)),
    ...all(root, 'GroupingLabels').flatMap((grouping) => wrongGrouping(grouping, expr, series)),
    ...growing(root, expr)
      .filter((name) => series.get(name)?.grows === false)
      .map((name) => `${name} is no counter`),
  ];
}

/** The names under `rate` and `increase`. */
export function growing(root: SyntaxNode | string, expr = ''): string[] {
  if (typeof root === 'string') return growing(parse(root), root);
  return all(root, 'FunctionCall')
    .filter((call) => ['Rate', 'Irate', 'Increase'].some((kind) => all(call, kind).length > 0))
    .flatMap((call) => selectors(call, expr).map(({ name }) => name));
}

interface Selector {
  readonly name: string;
  readonly from: number;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

function selectors(root: SyntaxNode, expr: string): Selector[] {
  return all(root, 'VectorSelector').map((selector) => ({
    name: text(selector.getChild('Identifier'), expr),
    from: selector.from,
    matchers: all(selector, 'UnquotedLabelMatcher').map((matcher) => ({
      label: text(matcher.getChild('LabelName'), expr),
      operator: text(matcher.getChild('MatchOp'), expr),
      value: text(matcher.getChild('StringLiteral'), expr).slice(1, -1),
    })),
  }));
}

function wrongSelector({ name, matchers }: Selector, series: Known): string[] {
  const found = series.get(name);
  if (found === undefined) return [`${name || 'a series without a name'} does not exist`];
  return matchers.flatMap(({ label, operator, value }) => {
    const values = found.labels.get(label);
    if (values === undefined) return found.open ? [] : [`${name} has no label ${label}`];
    // Empty asks for series without it; a variable of a dashboard is filled in later.
    if (values === null || value === '' || value.includes('$')) return [];
    const asked = operator.endsWith('~') ? value.split('|') : [value];
    return asked
      .filter((one) => !values.some((each) => new RegExp(`^(?:${one})$`).test(each)))
      .map((one) => `${label} of ${name} is never ${one}`);
  });
}

/** `by` and `without` look at what stands inside, `on` and `ignoring` at both sides, `group_left` at one. */
function wrongGrouping(grouping: SyntaxNode, expr: string, series: Known): string[] {
  const clause = grouping.parent;
  const whole = clause?.parent;
  if (!clause || !whole) return [];
  const first = clause.getChild('GroupingLabels')?.from === grouping.from;
  const matching = clause.name === 'MatchingModifierClause';
  const sides = matching && first ? [whole.firstChild, whole.lastChild] : [whole];
  return texts(grouping, 'LabelName', expr).flatMap((label) =>
    sides
      .filter(
        (side) =>
          side !== null &&
          !selectors(side, expr).some(({ name }) => series.get(name)?.open || series.get(name)?.labels.has(label)),
      )
      .map(() => `${text(clause, expr)}: nothing there has a label ${label}`),
  );
}

const parse = (expr: string): SyntaxNode => parser.parse(expr).topNode;
const text = (node: SyntaxNode | null, expr: string): string => (node === null ? '' : expr.slice(node.from, node.to));
const texts = (node: SyntaxNode, kind: string, expr: string): string[] =>
  all(node, kind).map((each) => text(each, expr));

function all(root: SyntaxNode, kind: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  root.cursor().iterate((ref) => {
    if (ref.name === kind) found.push(ref.node);
  });
  return found;
}
