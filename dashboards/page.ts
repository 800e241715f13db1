import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import type { AnyPanel } from './panels.ts';
import { OURS, PROMETHEUS } from './queries.ts';

/** What all our dashboards have: by this tag they find each other. */
const TAG = 'paramedic-mixin';

/** A variable whose values are those of a label, read again when the time range changes. */
export const labelVariable = (name: string, series: string): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .datasource(PROMETHEUS)
    .query({ query: `label_values(${series}, ${name})`, refId: 'A' })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);

export const dataSource = (name: string, type: string): DatasourceVariableBuilder =>
  new DatasourceVariableBuilder(name).type(type);

export interface Page {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Beside data source, job and instance. */
  readonly variables: readonly Builder<VariableModel>[];
  readonly panels: readonly AnyPanel[];
}

/** A dashboard with the variables, links and annotations of all of them. */
export function page({ uid, title, description, variables, panels }: Page): Dashboard {
  const builder = new DashboardBuilder(`Paramedic / ${title}`)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .readonly()
    .timezone('browser')
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder('Paramedic')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .includeVars(true)
        .keepTime(true),
    )
    .annotation(
      new AnnotationQueryBuilder()
        .name('Alerts')
        .datasource(PROMETHEUS)
        .enable(true)
        .iconColor('red')
        .expr(`ALERTS{alertname=~"Paramedic.+", alertstate="firing", severity!="none", ${OURS}}`)
        .titleFormat('{{alertname}}')
        .textFormat('{{component}} {{breaker}} ({{severity}})'),
    )
    .annotation(
      new AnnotationQueryBuilder()
        .name('Recovery tests')
        .datasource(PROMETHEUS)
        .enable(true)
        .iconColor('purple')
        .expr(`paramedic_chaos_experiment_active{${OURS}} == 1`)
        .titleFormat('{{experiment}}')
        .textFormat('A recovery test runs.'),
    )
    .variables([
      dataSource('datasource', 'prometheus').label('Data source'),
      labelVariable('job', 'paramedic_build_info').label('Job'),
      labelVariable('instance', 'paramedic_build_info{job=~"$job"}')
        .label('Instance')
        .multi(true)
        .includeAll(true)
        .allValue('.+'),
      ...variables,
    ]);
  for (const panel of panels) builder.withPanel(panel);
  const dashboard = builder.build();
  for (const [index, panel] of (dashboard.panels ?? []).entries()) panel.id = index + 1;
  return dashboard;
}
