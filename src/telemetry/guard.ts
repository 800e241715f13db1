import { HOST } from '../model/index.ts';
import {
  catalogue,
  maxSeries,
  metricNames,
  seriesPerSet,
  type LabelSource,
  type MetricDefinition,
  type MetricName,
} from './catalogue.ts';
import { checksOf, type Names } from './zeroes.ts';

export const OTHER = '_OTHER';
/** Values from outside longer than this are no names any more. */
const LONGEST_VALUE = 100;
const SMALLEST = { components: 1, checks: 1, breakers: 1 };

export type Labels = Readonly<Record<string, string>>;

/**
 * Keeps the number of series bounded, whatever the events say: values outside the lists, unknown components and
 * checks, too many or unspeakable values from outside, and everything new beyond the limit become `_OTHER`.
 */
export interface Guard {
  /** @returns the labels to use; `folded` when they are not the ones asked for. */
  admit(
    metric: MetricName,
    labels: Labels,
  ): { readonly labels: Labels; readonly isNew: boolean; readonly folded: boolean };
  /** Forgets the series of one metric. */
  clear(metric: MetricName): void;
  /** New names after a reload. @returns the series whose component, check or breaker has gone, already forgotten. */
  configure(names: Names): { metric: MetricName; labels: Labels }[];
  /** Series admitted and reserved, buckets of histograms included. */
  count(): number;
}

export function createGuard(limit: number, first: Names): Guard {
  const known = new Map<MetricName, Map<string, Labels>>();
  let names = first;
  // Counted from the start: what has no outside to grow with, and the one set of _OTHER that each metric may need.
  let count = 0;
  const reserved = metricNames.reduce((sum, name) => sum + maxSeries(catalogue[name], SMALLEST), 0);

  const seriesOf = (metric: MetricName) => {
    const found = known.get(metric);
    if (found) return found;
    const none = new Map<string, Labels>();
    known.set(metric, none);
    return none;
  };

  function allowed(metric: MetricName, source: LabelSource, label: string, labels: Labels): boolean {
    const value = labels[label] ?? '';
    if (source === 'component') return value === HOST || Object.hasOwn(names.components, value);
    if (source === 'check') return checksOf(labels['component'] ?? '', names).includes(value);
    if (source === 'breaker') return names.breakers.includes(value);
    if (source === 'text') return true;
    if (!('atMost' in source)) return source.includes(value);
    if (value === '') return true;
    if (value.length > LONGEST_VALUE || !value.isWellFormed() || /\p{Cc}/u.test(value)) return false;
    const all = [...seriesOf(metric).values()].filter((set) => set[label] !== OTHER && set[label] !== '');
    const distinct = new Set(all.map((set) => set[label]));
    if (!distinct.has(value) && distinct.size >= source.atMost) return false;
    const beside = new Set(all.filter((set) => sameBut(label, set, labels)).map((set) => set[label]));
    return beside.has(value) || beside.size < source.each;
  }

  return {
    admit(metric, asked) {
      const series = seriesOf(metric);
      const key = keyOf(metric, asked);
      if (series.has(key)) return { labels: asked, isNew: false, folded: false };
      const definition = catalogue[metric];
      let labels: Record<string, string> = {};
      for (const [label, source] of Object.entries(definition.labels)) {
        labels[label] = allowed(metric, source, label, { ...asked, ...labels }) ? (asked[label] ?? '') : OTHER;
      }
      if (
        grows(definition) &&
        reserved + count + seriesPerSet(definition) > limit &&
        !series.has(keyOf(metric, labels))
      ) {
        labels = Object.fromEntries(
          Object.entries(definition.labels).map(([name, source]) => [
            name,
            isList(source) ? (labels[name] ?? '') : OTHER,
          ]),
        );
      }
      const isNew = !series.has(keyOf(metric, labels));
      if (isNew) {
        series.set(keyOf(metric, labels), labels);
        if (grows(definition)) count += seriesPerSet(definition);
      }
      return { labels, isNew, folded: keyOf(metric, labels) !== key };
    },
    clear(metric) {
      if (grows(catalogue[metric])) count -= seriesOf(metric).size * seriesPerSet(catalogue[metric]);
      known.delete(metric);
    },
    configure(next) {
      names = next;
      const gone: { metric: MetricName; labels: Labels }[] = [];
      for (const [metric, series] of known) {
        for (const [key, labels] of series) {
          const { component, check, breaker } = labels;
          const known = (value: string | undefined, among: () => boolean) =>
            value === undefined || value === OTHER || among();
          const stays =
            known(component, () => component === HOST || Object.hasOwn(names.components, component ?? '')) &&
            known(check, () => checksOf(component ?? '', names).includes(check ?? '')) &&
            known(breaker, () => names.breakers.includes(breaker ?? ''));
          if (stays) continue;
          series.delete(key);
          if (grows(catalogue[metric])) count -= seriesPerSet(catalogue[metric]);
          gone.push({ metric, labels });
        }
      }
      return gone;
    },
    count: () => reserved + count,
  };
}

/** It has labels whose values are not in the catalogue. */
const grows = ({ labels }: MetricDefinition): boolean =>
  Object.values(labels).some((source) => source !== 'text' && !isList(source));
const isList = (source: LabelSource): boolean => typeof source !== 'string' && !('atMost' in source);
const labelNames = new Map(metricNames.map((name) => [name, Object.keys(catalogue[name].labels)]));
/** The values in the order of the catalogue, each with its length: no two sets have the same key. */
function keyOf(metric: MetricName, labels: Labels): string {
  let key = '';
  for (const label of labelNames.get(metric) ?? []) {
    const value = labels[label] ?? '';
    key += `${value.length}:${value}`;
  }
  return key;
}
const sameBut = (label: string, a: Labels, b: Labels) =>
  Object.keys(a).every((name) => name === label || a[name] === b[name]);
