import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Panel,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  PanelBuilder as Heatmap,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as Timeline } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as History } from '@grafana/grafana-foundation-sdk/statushistory';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as Graph } from '@grafana/grafana-foundation-sdk/timeseries';
import {
  breakerStates,
  componentStates,
  degradationLevels,
  type BreakerState,
  type ComponentStateName,
  type DegradationLevel,
} from '../src/model/index.ts';
import { PROMETHEUS, query, type Query } from './queries.ts';

/*
 * The kinds of panel that our dashboards are made of. Each has a question for a title, says what it shows, and has a
 * unit; a row of the page is 24 wide.
 */

export interface Question {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly width: number;
  readonly height?: number;
  readonly queries: readonly Query[];
}

const GRAPH_HEIGHT = 8;
const FIGURE_HEIGHT = 4;

function furnish<P extends Stat | Graph | Timeline | History | Heatmap | Table>(
  panel: P,
  { title, description, unit, width, height = GRAPH_HEIGHT, queries }: Question,
): P {
  panel.title(title).description(description).unit(unit).datasource(PROMETHEUS).span(width).height(height);
  for (const [index, each] of queries.entries()) panel.withTarget(query(each, index));
  return panel;
}

/** Green up to the first step, then the colour of the last step that was reached. */
export const steps = (...above: readonly (readonly [number, string])[]): ThresholdsConfigBuilder =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: 'green' }, ...above.map(([value, color]) => ({ value, color }))]);

/** One number, or a few, as they are now. */
export const figure = (question: Question): Stat =>
  furnish(new Stat(), { height: FIGURE_HEIGHT, ...question })
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value);

/** Lines over time. */
export const lines = (question: Question): Graph =>
  furnish(new Graph(), question)
    .fillOpacity(10)
    .showPoints(VisibilityMode.Auto)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));

/** What happened, stacked by its kind. */
export const bars = (question: Question): Graph =>
  lines(question)
    .min(0)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal));

/** How the observations of a histogram spread, with exemplars. The query must sum by `le`. */
export const heatmap = (question: Question): Heatmap =>
  furnish(new Heatmap(), question)
    .yAxis(new YAxisConfigBuilder().unit(question.unit))
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Oranges').steps(64));

/** Rows of labels; `hide` names the columns that nobody reads. */
export const rows = (question: Question, hide: readonly string[]): Table =>
  furnish(new Table(), question).withTransformation({
    id: 'organize',
    options: { excludeByName: Object.fromEntries(['Time', ...hide].map((name) => [name, true])) },
  });

const stateColors: Readonly<Record<ComponentStateName, string>> = {
  stopped: 'gray',
  starting: 'light-blue',
  running: 'green',
  degraded: 'yellow',
  unhealthy: 'orange',
  stopping: 'light-blue',
  backoff: 'purple',
  failed: 'red',
};

const breakerColors: Readonly<Record<BreakerState, string>> = {
  closed: 'green',
  open: 'red',
  half_open: 'yellow',
  forced_open: 'dark-red',
  forced_closed: 'blue',
  disabled: 'gray',
};

const levelColors: Readonly<Record<DegradationLevel, string>> = {
  full: 'green',
  reduced: 'yellow',
  minimal: 'orange',
  emergency: 'red',
  offline: 'purple',
};

/** Numbers as the words they stand for: the place of each in its list. */
const words = <W extends string>(list: readonly W[], colors: Readonly<Record<W, string>>): ValueMapping[] => [
  {
    type: MappingType.ValueToText,
    options: Object.fromEntries(list.map((word, index) => [String(index), { text: word, color: colors[word], index }])),
  },
];

/** Levels of degradation by their numbers. */
export const levelWords = words(degradationLevels, levelColors);

const timeline = (question: Question, mappings: ValueMapping[]): Timeline =>
  furnish(new Timeline(), question).mappings(mappings).showValue(VisibilityMode.Auto).mergeValues(true);

/** What state each component was in, over time. */
export const stateTimeline = (question: Question): Timeline => timeline(question, words(componentStates, stateColors));

/** What state each breaker was in, over time. */
export const breakerTimeline = (question: Question): Timeline =>
  timeline(question, words(breakerStates, breakerColors));

/** At which level it was, over time. */
export const levelTimeline = (question: Question): Timeline => timeline(question, levelWords);

/** Passed or not, over time. */
export const passHistory = (question: Question): History =>
  furnish(new History(), question)
    .mappings([
      {
        type: MappingType.ValueToText,
        options: { 0: { text: 'failed', color: 'red', index: 0 }, 1: { text: 'passed', color: 'green', index: 1 } },
      },
    ])
    .showValue(VisibilityMode.Never);

export type AnyPanel = Builder<Panel>;
