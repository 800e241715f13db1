import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { DataqueryBuilder as TempoQuery, SearchTableType } from '@grafana/grafana-foundation-sdk/tempo';
import { dataSource, labelVariable, page } from './page.ts';
import { bars, figure, heatmap, lines, passHistory, stateTimeline } from './panels.ts';
import { CHOSEN, OURS, stateNumber, TEMPO } from './queries.ts';

export const component = page({
  uid: 'paramedic-component',
  title: 'Component',
  description: 'One component: how it is, what its checks say, why it was restarted and how well that went.',
  variables: [
    labelVariable('component', `paramedic_component_info{${OURS}}`).label('Component'),
    dataSource('tempo', 'tempo').label('Traces'),
  ],
  panels: [
    stateTimeline({
      title: 'How is it, and how was it?',
      description: 'Its state over time.',
      unit: 'none',
      width: 12,
      height: 4,
      queries: [{ expr: stateNumber(CHOSEN), legend: '{{instance}}' }],
    }),
    figure({
      title: 'Since when does it run?',
      description: 'Age of the current process.',
      unit: 's',
      width: 4,
      queries: [
        { expr: `time() - (paramedic_component_start_time_seconds{${CHOSEN}} > 0)`, legend: '{{instance}}', as: 'now' },
      ],
    }),
    figure({
      title: 'How much of the last hour did it serve?',
      description: 'Share of the last hour in which it was running or degraded.',
      unit: 'percentunit',
      width: 4,
      queries: [{ expr: `component:paramedic_component_up:avg1h{${CHOSEN}}`, legend: '{{instance}}', as: 'now' }],
    }),
    figure({
      title: 'How many restarts has it left?',
      description: 'What remains of max_restarts within restart_window. At 0 the next crash makes it fail for good.',
      unit: 'short',
      width: 4,
      queries: [
        {
          expr: `paramedic_restart_budget_limit{${CHOSEN}} - paramedic_restart_budget_used{${CHOSEN}}`,
          legend: '{{instance}}',
          as: 'now',
        },
      ],
    }),

    passHistory({
      title: 'What do its checks say?',
      description: 'Each check over time: passed (healthy or degraded) or not.',
      unit: 'none',
      width: 12,
      queries: [{ expr: `paramedic_health_check_success{${CHOSEN}}`, legend: '{{check}} ({{instance}})' }],
    }),
    heatmap({
      title: 'How long do its checks take?',
      description: 'Duration of all its checks. The dots lead to traces.',
      unit: 's',
      width: 12,
      queries: [
        {
          expr: `sum by (le) (rate(paramedic_health_check_duration_seconds_bucket{${CHOSEN}}[$__rate_interval]))`,
          legend: '{{le}}',
          as: 'heatmap',
        },
      ],
    }),

    lines({
      title: 'Which share of its checks fails?',
      description: 'Unhealthy, critical and timed out ones of all, over five minutes.',
      unit: 'percentunit',
      width: 12,
      queries: [
        {
          expr: `component_check:paramedic_health_checks_failures_per_checks:ratio_rate5m{${CHOSEN}}`,
          legend: '{{check}} ({{instance}})',
        },
      ],
    })
      .min(0)
      .max(1),
    lines({
      title: 'How often in a row did they fail?',
      description: 'Consecutive failures. From failure_threshold on the action of the check is taken.',
      unit: 'short',
      width: 12,
      queries: [{ expr: `paramedic_health_check_consecutive_failures{${CHOSEN}}`, legend: '{{check}} ({{instance}})' }],
    }).min(0),

    lines({
      title: 'How much would a crash lose now?',
      description:
        'Age of the oldest change that is in no checkpoint and not journalled, against what may be lost. Nothing for a component that does not say.',
      unit: 's',
      width: 24,
      queries: [
        { expr: `paramedic_checkpoint_dirty_seconds{${CHOSEN}}`, legend: 'at risk ({{instance}})' },
        { expr: `paramedic_rpo_objective_seconds{${CHOSEN}}`, legend: 'allowed ({{instance}})' },
      ],
    }).min(0),

    bars({
      title: 'Why was it restarted, and did it work?',
      description: 'Restarts per minute by reason and outcome. One counts as a success when it is verified healthy.',
      unit: 'cpm',
      width: 8,
      queries: [
        {
          expr: `60 * sum by (reason, outcome) (rate(paramedic_restarts_total{${CHOSEN}}[$__rate_interval]))`,
          legend: '{{reason}}, {{outcome}}',
        },
      ],
    }),
    bars({
      title: 'What did it die of?',
      description: 'Crashes per minute by type.',
      unit: 'cpm',
      width: 8,
      queries: [
        {
          expr: `60 * sum by (type) (rate(sum by (type, instance) (paramedic_crashes_total{${CHOSEN}})[$__rate_interval:]))`,
          legend: '{{type}}',
        },
      ],
    }),
    heatmap({
      title: 'How long does a restart take?',
      description: 'From the stop to verified health, of restarts that succeeded. The dots lead to traces.',
      unit: 's',
      width: 8,
      queries: [
        {
          expr: `sum by (le) (rate(paramedic_restart_duration_seconds_bucket{${CHOSEN}}[$__rate_interval]))`,
          legend: '{{le}}',
          as: 'heatmap',
        },
      ],
    }),

    lines({
      title: 'Is its restart budget used up?',
      description: 'Restarts within the window against those allowed. Beyond the limit it is given up.',
      unit: 'short',
      width: 12,
      queries: [
        { expr: `paramedic_restart_budget_used{${CHOSEN}}`, legend: 'used ({{instance}})' },
        { expr: `paramedic_restart_budget_limit{${CHOSEN}}`, legend: 'allowed ({{instance}})' },
      ],
    }).min(0),
    lines({
      title: 'Is it kept waiting?',
      description: 'The delay before its next start; 0 when it does not wait.',
      unit: 's',
      width: 12,
      queries: [{ expr: `paramedic_restart_backoff_seconds{${CHOSEN}}`, legend: '{{instance}}' }],
    }).min(0),

    lines({
      title: 'How much CPU does it use?',
      description: 'Of its whole process tree; 100 % is one core.',
      unit: 'percentunit',
      width: 12,
      queries: [{ expr: `paramedic_component_cpu_ratio{${CHOSEN}}`, legend: '{{instance}}' }],
    }).min(0),
    lines({
      title: 'Does its memory grow?',
      description: 'Resident memory of its whole process tree.',
      unit: 'bytes',
      width: 12,
      queries: [{ expr: `paramedic_component_resident_memory_bytes{${CHOSEN}}`, legend: '{{instance}}' }],
    }).min(0),

    new Table()
      .title('What happened in its recoveries?')
      .description('Traces of its recoveries, from the fault to verified health: needs a Tempo data source.')
      .unit('none')
      .datasource(TEMPO)
      .span(24)
      .height(8)
      .withTarget(
        new TempoQuery()
          .refId('A')
          .datasource(TEMPO)
          .queryType('traceql')
          .tableType(SearchTableType.Traces)
          .limit(20)
          .query(
            '{resource.service.name="paramedic" && name="paramedic.recovery" && span.paramedic.component.name="$component"}',
          ),
      ),
  ],
});
