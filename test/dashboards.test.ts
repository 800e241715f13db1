import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dashboards, generate } from '../dashboards/generate.ts';
import { known, problems } from './support/promql.ts';
import { recordingRules } from './support/rules.ts';

const series = known(recordingRules);

interface Target {
  readonly expr?: string;
  readonly exemplar?: boolean;
  readonly datasource: { readonly uid: string };
}
const panelsOf = ({ panels = [], uid }: Dashboard) =>
  (panels as Panel[]).map((panel) => ({
    uid,
    title: panel.title ?? '',
    panel,
    targets: (panel.targets ?? []) as unknown as Target[],
  }));
const panels = dashboards.flatMap(panelsOf);

/** What Grafana fills in when it asks. */
const filled = (expr: string): string => expr.replaceAll('$__rate_interval', '5m');

/** What is wrong with a query of a panel: beside what does not exist, a window that does not follow the zoom. */
function wrongQuery({ expr, exemplar }: Target): string[] {
  if (expr === undefined) return [];
  const window = /\[(?!\$__rate_interval:?\])[^\]]*\]/.exec(expr);
  return [
    ...problems(filled(expr), series),
    ...(window === null ? [] : [`${window[0]} is not [$__rate_interval]`]),
    ...(/_bucket\b/.test(expr) && exemplar !== true ? ['a histogram without its exemplars'] : []),
  ];
}

describe('the dashboards', () => {
  it('are committed as generated (else: npm run dashboards)', async () => {
    const files = await generate();
    for (const { file, text } of files) expect(readFileSync(file, 'utf8'), relative('.', file)).toBe(text);
    const folder = join(import.meta.dirname, '../dashboards/json');
    expect(readdirSync(folder).toSorted()).toEqual(files.map(({ file }) => basename(file)).toSorted());
  });

  it.each(dashboards)('$title can be found, chosen and not edited', (dashboard) => {
    expect(dashboard).toMatchObject({ schemaVersion: 42, editable: false, tags: ['paramedic-mixin'] });
    expect(dashboard.uid).toMatch(/^paramedic-/);
    expect(dashboard.title).toMatch(/^Paramedic \/ /);
    const variables = (dashboard.templating.list ?? []) as Variable[];
    expect(variables.slice(0, 3)).toMatchObject([
      { name: 'datasource', type: 'datasource' },
      { name: 'job', refresh: 2 },
      { name: 'instance', multi: true, includeAll: true, refresh: 2 },
    ]);
    for (const { query } of variables) {
      if (typeof query === 'string') continue;
      const [, selector = '', label] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? [];
      expect(problems(`sum by (${label}) (${selector})`, series)).toEqual([]);
    }
    for (const { expr } of dashboard.annotations.list as { expr: string }[]) expect(problems(expr, series)).toEqual([]);
  });

  it.each(dashboards)('$title fills its rows and overlaps nowhere', (dashboard) => {
    const taken = new Set<string>();
    for (const { panel, title } of panelsOf(dashboard)) {
      const { x, y, w, h } = panel.gridPos!;
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column += 1)
        for (let row = y; row < y + h; row += 1) {
          expect(taken, title).not.toContain(`${column} ${row}`);
          taken.add(`${column} ${row}`);
        }
    }
    expect(taken.size % 24).toBe(0);
    expect(new Set(panelsOf(dashboard).map(({ panel }) => panel.id)).size).toBe(dashboard.panels?.length);
  });

  it.each(panels)('$uid: "$title" asks only for what exists, of the chosen data source', ({ panel, targets }) => {
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) {
      expect(wrongQuery(target)).toEqual([]);
      expect(target.datasource.uid).toMatch(/^\$\{(datasource|tempo)\}$/);
    }
    expect(panel.title).toMatch(/\?$/);
    expect(panel.description).toBeTruthy();
    expect(panel.fieldConfig?.defaults.unit).toBeTruthy();
  });
});
interface Variable {
  readonly query: string | { readonly query: string };
}

describe('a query of a panel', () => {
  const datasource = { uid: '${datasource}' };
  it.each([
    ['paramedic_gone{job=~"$job"}', 'paramedic_gone does not exist'],
    ['rate(paramedic_restarts_total[5m])', '[5m] is not [$__rate_interval]'],
    ['rate(paramedic_rto_achieved_seconds_bucket[$__rate_interval])', 'a histogram without its exemplars'],
    ['sum by (queue) (paramedic_incidents_open)', 'by (queue): nothing there has a label queue'],
  ])('%s: %s', (expr, problem) => {
    expect(wrongQuery({ expr, datasource, exemplar: false })).toEqual([problem]);
  });
});
