import { DataqueryBuilder as PrometheusQuery, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { breakerStates, componentStates } from '../src/model/index.ts';

/** The data source that the variable at the top of the page chooses. */
export const PROMETHEUS = { type: 'prometheus', uid: '${datasource}' };
export const TEMPO = { type: 'tempo', uid: '${tempo}' };

/** Matchers of every query: the Paramedics, and the component, that the variables choose. */
export const OURS = 'job=~"$job", instance=~"$instance"';
export const CHOSEN = `${OURS}, component="$component"`;

export interface Query {
  readonly expr: string;
  /** As Grafana writes it: `{{label}}`. */
  readonly legend?: string;
  /** `now`: one value of the last moment. `table`: that, as rows. `heatmap`: buckets over time. */
  readonly as?: 'now' | 'table' | 'heatmap';
}

/** A query as panels take it. Histograms bring their exemplars: the dots that lead to traces. */
export function query({ expr, legend, as }: Query, index: number): PrometheusQuery {
  const built = new PrometheusQuery()
    .refId('ABCDEFGH'.charAt(index))
    .datasource(PROMETHEUS)
    .expr(expr)
    .exemplar(expr.includes('_bucket{'));
  if (legend !== undefined) built.legendFormat(legend);
  if (as === 'table') built.format(PromQueryFormat.Table);
  if (as === 'heatmap') built.format(PromQueryFormat.Heatmap);
  return as === 'now' || as === 'table' ? built.instant() : built.range();
}

/** One of a state set as a number, its place among all: only one series of it is 1, and a timeline wants one row. */
const numberOf = (set: string, by: string, states: readonly string[], matchers: string): string =>
  `sum by (instance, ${by}) (\n  ${states
    .map((state, index) => `(${set}{${matchers}, state="${state}"} == 1) * ${index}`)
    .join('\n  or ')}\n)`;

/** The state of each component, its place among `componentStates`. */
export const stateNumber = (matchers: string): string =>
  numberOf('paramedic_component_state', 'component', componentStates, matchers);

/** The state of each breaker, its place among `breakerStates`. */
export const breakerNumber = (matchers: string): string =>
  numberOf('paramedic_circuit_breaker_state', 'breaker', breakerStates, matchers);
