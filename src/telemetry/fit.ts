import { HOST } from '../model/index.ts';
import { catalogue, metricNames, seriesPerSet, type LabelSource, type MetricName } from './catalogue.ts';
import { checksOf, type Names } from './zeroes.ts';

export const checkSeries = ['auto', 'all'] as const;
/** What of the checks is shown one by one. */
export type CheckSeries = (typeof checkSeries)[number];

/** Of all series; the rest is for everything else. */
const SHARE = 0.5;

/**
 * The metrics that do not tell checks apart, because with so many of them the series would not fit in half of the
 * limit. Histograms are given up first, then from the end of the catalogue.
 */
export function tooMany(names: Names, limit: number, mode: CheckSeries): ReadonlySet<MetricName> {
  if (mode === 'all') return new Set();
  const checks = [...Object.keys(names.components), HOST].reduce((sum, name) => sum + checksOf(name, names).length, 0);
  let room = limit * SHARE;
  const ofChecks = metricNames.filter((name) => Object.values<LabelSource>(catalogue[name].labels).includes('check'));
  const isHistogram = (name: MetricName) => Number(catalogue[name].type === 'histogram');
  const given = ofChecks
    .toSorted((a, b) => isHistogram(a) - isHistogram(b))
    .filter((name) => {
      room -= checks * seriesOfCheck(name);
      return room < 0;
    });
  return new Set(given);
}

function seriesOfCheck(name: MetricName): number {
  const lists = Object.values<LabelSource>(catalogue[name].labels).filter((source) => Array.isArray(source));
  return lists.reduce((product, list) => product * list.length, seriesPerSet(catalogue[name]));
}
