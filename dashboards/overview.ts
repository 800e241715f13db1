import { DashboardLinkBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { page } from './page.ts';
import { bars, figure, levelWords, lines, rows, stateTimeline, steps } from './panels.ts';
import { OURS, stateNumber } from './queries.ts';

/** Alerts that have no instance (nothing is scraped) belong to every choice. */
const OURS_OR_NOBODYS = 'job=~"$job|", instance=~"$instance|"';

export const overview = page({
  uid: 'paramedic-overview',
  title: 'Overview',
  description: 'Is everything well, and if not, what is being done about it?',
  variables: [],
  panels: [
    figure({
      title: 'Do all components serve?',
      description: 'Components that are running or degraded, and those that are meant to run.',
      unit: 'short',
      width: 5,
      queries: [
        {
          expr: `count(paramedic_component_up{${OURS}} == 1 and on (job, instance, component) paramedic_component_enabled{${OURS}} == 1) or vector(0)`,
          legend: 'serve',
          as: 'now',
        },
        { expr: `sum(paramedic_component_enabled{${OURS}})`, legend: 'meant to run', as: 'now' },
      ],
    }),
    figure({
      title: 'Which incidents are open?',
      description: 'Open incidents by severity. `paramedic incidents list` names them.',
      unit: 'short',
      width: 6,
      queries: [{ expr: `sum by (severity) (paramedic_incidents_open{${OURS}})`, legend: '{{severity}}', as: 'now' }],
    }).thresholds(steps([1, 'orange'])),
    figure({
      title: 'Is anything given up?',
      description: 'The worst level of degradation. `paramedic degrade` says why, and which features are off.',
      unit: 'none',
      width: 3,
      queries: [{ expr: `max(paramedic_degradation_level{${OURS}})`, as: 'now' }],
    }).mappings(levelWords),
    figure({
      title: 'Are breakers open?',
      description: 'Circuit breakers that let no call through, by themselves or forced.',
      unit: 'short',
      width: 3,
      queries: [
        { expr: `sum(paramedic_circuit_breaker_state{${OURS}, state=~"open|forced_open"}) or vector(0)`, as: 'now' },
      ],
    }).thresholds(steps([1, 'red'])),
    figure({
      title: 'Is anything being healed?',
      description: 'Recoveries under way: from the detection of a fault to verified health.',
      unit: 'short',
      width: 3,
      queries: [{ expr: `sum(paramedic_recoveries_in_progress{${OURS}})`, as: 'now' }],
    }).thresholds(steps([1, 'orange'])),
    figure({
      title: 'When did it last look?',
      description:
        'Time since the last tick of the decision loop. It should be a second or two, and the scrape interval.',
      unit: 's',
      width: 4,
      queries: [{ expr: `time() - min(paramedic_supervisor_last_tick_timestamp_seconds{${OURS}})`, as: 'now' }],
    }).thresholds(steps([30, 'red'])),

    stateTimeline({
      title: 'How are the components, and how were they?',
      description: 'The state of each component over time. A click leads to its own page.',
      unit: 'none',
      width: 16,
      height: 10,
      queries: [{ expr: stateNumber(OURS), legend: '{{component}} ({{instance}})' }],
    }).dataLinks([
      new DashboardLinkBuilder('Open the component').url(
        '/d/paramedic-component?var-component=${__field.labels.component}&${datasource:queryparam}&${job:queryparam}&${__url_time_range}',
      ),
    ]),
    rows(
      {
        title: 'Which alerts fire?',
        description: 'Alerts of the bundle that fire now, the watchdog left out. Each has a page in docs/runbooks/.',
        unit: 'none',
        width: 8,
        height: 10,
        queries: [
          {
            expr: `sum by (severity, alertname, component, breaker, instance) (ALERTS{alertname=~"Paramedic.+", alertname!="ParamedicWatchdog", alertstate="firing", ${OURS_OR_NOBODYS}})`,
            as: 'table',
          },
        ],
      },
      ['Value'],
    ).noValue('None'),

    bars({
      title: 'What is restarted, and why?',
      description:
        'Restarts per minute by reason: a crash, a failed check, a hang, a dependency, an alert, a person, a test.',
      unit: 'cpm',
      width: 12,
      queries: [
        {
          expr: `60 * sum by (reason) (rate(paramedic_restarts_total{${OURS}}[$__rate_interval]))`,
          legend: '{{reason}}',
        },
      ],
    }),
    lines({
      title: 'Do recoveries keep their promise?',
      description:
        'The 95th percentile of the time from detection to verified health, against the objective. The dots are single recoveries: each leads to its trace.',
      unit: 's',
      width: 12,
      queries: [
        {
          expr: `histogram_quantile(0.95, sum by (component, le) (rate(paramedic_rto_achieved_seconds_bucket{${OURS}}[$__rate_interval])))`,
          legend: '{{component}}',
        },
        { expr: `min(paramedic_rto_objective_seconds{${OURS}})`, legend: 'strictest objective' },
      ],
    }),

    lines({
      title: 'Does the machine have enough left?',
      description: 'CPU, memory and disks in use, as shares of what there is.',
      unit: 'percentunit',
      width: 12,
      queries: [
        { expr: `paramedic_host_cpu_ratio{${OURS}}`, legend: 'CPU ({{instance}})' },
        { expr: `paramedic_host_memory_ratio{${OURS}}`, legend: 'memory ({{instance}})' },
        { expr: `paramedic_host_disk_ratio{${OURS}}`, legend: '{{mount}} ({{instance}})' },
      ],
    })
      .min(0)
      .max(1),
    rows(
      {
        title: 'Who crashed last?',
        description: 'When each component last crashed. Reports are in state_dir/crashes/.',
        unit: 'dateTimeFromNow',
        width: 6,
        queries: [
          {
            expr: `sort_desc(max by (component, instance) (paramedic_last_crash_timestamp_seconds{${OURS}} > 0) * 1000)`,
            as: 'table',
          },
        ],
      },
      [],
    ).noValue('Nobody'),
    rows(
      {
        title: 'Which version runs where?',
        description: 'Version, revision and Node of each Paramedic.',
        unit: 'none',
        width: 6,
        queries: [
          { expr: `max by (instance, version, revision, node_version) (paramedic_build_info{${OURS}})`, as: 'table' },
        ],
      },
      ['Value'],
    ),
  ],
});
