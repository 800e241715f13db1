import { HOST } from '../model/index.ts';
import { catalogue, metricNames, type LabelSource, type MetricName } from './catalogue.ts';

/** The names that the configuration gives: what the labels `component`, `check` and `breaker` may say. */
export interface Names {
  readonly components: Readonly<Record<string, { readonly checks: readonly string[] }>>;
  readonly hostChecks: readonly string[];
  readonly breakers: readonly string[];
}

/** One series by name and labels. */
export interface Series {
  readonly metric: MetricName;
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The counters and histograms that must exist with 0 before anything has happened: an alert on `increase` does not
 * see the first step of a series that begins with it. An open label is empty in them, which is to say: without it.
 */
export function zeroes(names: Names): Series[] {
  return metricNames
    .filter((metric) => catalogue[metric].zero)
    .flatMap((metric) =>
      labelSets(Object.entries(catalogue[metric].labels), names).map((labels) => ({ metric, labels })),
    );
}

function labelSets(sources: readonly (readonly [string, LabelSource])[], names: Names): Record<string, string>[] {
  const hasChecks = sources.some(([, source]) => source === 'check');
  let sets: Record<string, string>[] = [{}];
  for (const [label, source] of sources) {
    sets = sets.flatMap((set) => valuesOf(source, set, names, hasChecks).map((value) => ({ ...set, [label]: value })));
  }
  return sets;
}

function valuesOf(
  source: LabelSource,
  set: Record<string, string>,
  names: Names,
  withHost: boolean,
): readonly string[] {
  if (source === 'component') return [...Object.keys(names.components), ...(withHost ? [HOST] : [])];
  if (source === 'check') return checksOf(set['component'] ?? '', names);
  if (source === 'breaker') return names.breakers;
  return source === 'text' || 'atMost' in source ? [''] : source;
}

/** The configured checks of one component, the host's own among them. */
export const checksOf = (component: string, names: Names): readonly string[] =>
  component === HOST ? names.hostChecks : (names.components[component]?.checks ?? []);
