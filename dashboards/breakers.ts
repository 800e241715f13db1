import { page } from './page.ts';
import { bars, breakerTimeline, heatmap, levelTimeline, lines, rows } from './panels.ts';
import { breakerNumber, OURS } from './queries.ts';

const RATE = '$__rate_interval';

export const breakers = page({
  uid: 'paramedic-breakers',
  title: 'Breakers and degradation',
  description: 'What components lean on, what does not answer, and what is given up meanwhile.',
  variables: [],
  panels: [
    breakerTimeline({
      title: 'How are the breakers, and how were they?',
      description: 'The state of each breaker over time. Open ones let no call through.',
      unit: 'none',
      width: 16,
      queries: [{ expr: breakerNumber(OURS), legend: '{{breaker}} ({{instance}})' }],
    }).noValue('No breakers are configured'),
    bars({
      title: 'What moves them?',
      description: 'Transitions per minute by who or what asked: policy is the breaker itself.',
      unit: 'cpm',
      width: 8,
      queries: [
        {
          expr: `60 * sum by (trigger, to) (rate(paramedic_circuit_breaker_transitions_total{${OURS}}[${RATE}]))`,
          legend: 'to {{to}} by {{trigger}}',
        },
      ],
    }),

    bars({
      title: 'How do calls end?',
      description: 'Calls per second through all breakers. Rejected ones were not made.',
      unit: 'ops',
      width: 12,
      queries: [
        {
          expr: `sum by (result) (rate(paramedic_circuit_breaker_calls_total{${OURS}}[${RATE}]))`,
          legend: '{{result}}',
        },
      ],
    }),
    lines({
      title: 'How many of them fail?',
      description: 'Share of failed calls within failure_window of each breaker; nothing where no calls were made.',
      unit: 'percentunit',
      width: 12,
      queries: [{ expr: `paramedic_circuit_breaker_failure_ratio{${OURS}}`, legend: '{{breaker}} ({{instance}})' }],
    })
      .min(0)
      .max(1),

    heatmap({
      title: 'How long do calls take?',
      description: 'Calls through all breakers. The dots lead to traces.',
      unit: 's',
      width: 12,
      queries: [
        {
          expr: `sum by (le) (increase(paramedic_circuit_breaker_call_duration_seconds_bucket{${OURS}}[${RATE}]))`,
          legend: '{{le}}',
          as: 'heatmap',
        },
      ],
    }),
    lines({
      title: 'How many calls are not made?',
      description: 'Share of calls that an open breaker has turned away.',
      unit: 'percentunit',
      width: 12,
      queries: [
        {
          expr: `sum by (breaker) (rate(paramedic_circuit_breaker_calls_total{${OURS}, result="rejected"}[${RATE}])) / (sum by (breaker) (rate(paramedic_circuit_breaker_calls_total{${OURS}}[${RATE}])) > 0)`,
          legend: '{{breaker}}',
        },
      ],
    })
      .min(0)
      .max(1),

    levelTimeline({
      title: 'What is the level, and what was it?',
      description: 'The level of degradation of each machine. Below full features are off on purpose.',
      unit: 'none',
      width: 16,
      queries: [{ expr: `paramedic_degradation_level{${OURS}}`, legend: '{{instance}}' }],
    }),
    rows(
      {
        title: 'Which features are off?',
        description: 'Given up by the level, or gone with their component. `paramedic degrade` says why.',
        unit: 'none',
        width: 8,
        queries: [{ expr: `max by (instance, feature) (paramedic_feature_enabled{${OURS}} == 0)`, as: 'table' }],
      },
      ['Value'],
    ).noValue('None'),

    bars({
      title: 'How much of the time at which level?',
      description: 'Share of the time spent at each level, over all machines that are chosen.',
      unit: 'percentunit',
      width: 12,
      queries: [
        {
          expr: `sum by (level) (rate(paramedic_degradation_seconds_total{${OURS}}[${RATE}])) / on () group_left () sum(rate(paramedic_degradation_seconds_total{${OURS}}[${RATE}]))`,
          legend: '{{level}}',
        },
      ],
    }).max(1),
    bars({
      title: 'Who changes the level?',
      description: 'Changes per minute: policy is the machine itself, manual a person.',
      unit: 'cpm',
      width: 12,
      queries: [
        {
          expr: `60 * sum by (trigger, to) (rate(paramedic_degradation_transitions_total{${OURS}}[${RATE}]))`,
          legend: 'to {{to}} by {{trigger}}',
        },
      ],
    }),
  ],
});
