import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../src/cli/program.ts';
import { actionNames } from '../src/model/index.ts';
import { catalogue, metricNames } from '../src/telemetry/catalogue.ts';
import { amtool, needs, promtool, run } from './support/command.ts';
import { growing, known, outputLabels, problems } from './support/promql.ts';
import { alertRules, ALERTS, readYaml, recordingRules } from './support/rules.ts';
import { tempFolder } from './support/temp.ts';

const ROOT = join(import.meta.dirname, '..');
const RUNBOOKS = join(ROOT, 'docs/runbooks');
const tests = readdirSync(join(ALERTS, 'tests'));

const names = new Set(alertRules.map(({ alert }) => alert));
const series = known(recordingRules);

describe('the rules', () => {
  it('are clean for promtool, and fire and keep silent as their tests say', ({ skip }) => {
    needs(promtool, skip);
    const files = ['paramedic.rules.yml', 'paramedic.alerts.yml'].map((file) => join(ALERTS, file));
    expect(run(promtool, 'check', 'rules', '--lint=all', '--lint-fatal', ...files)).toMatchObject({ code: 0 });
    expect(run(promtool, 'test', 'rules', ...tests.map((file) => join(ALERTS, 'tests', file)))).toMatchObject({
      code: 0,
    });
  });

  it('are tested by tests that notice another threshold', ({ skip }) => {
    needs(promtool, skip);
    const folder = tempFolder();
    copyFileSync(join(ALERTS, 'paramedic.rules.yml'), join(folder, 'paramedic.rules.yml'));
    const text = readFileSync(join(ALERTS, 'paramedic.alerts.yml'), 'utf8').replace('> 300', '> 3000');
    writeFileSync(join(folder, 'paramedic.alerts.yml'), text);
    const test = readFileSync(join(ALERTS, 'tests/supervisor.yml'), 'utf8').replaceAll('../', './');
    writeFileSync(join(folder, 'test.yml'), test);
    const { code, said } = run(promtool, 'test', 'rules', join(folder, 'test.yml'));
    expect(said).toContain('ParamedicAlertPathBroken');
    expect(code).toBe(1);
  });

  it.each([
    ...recordingRules.map((rule) => ({ name: rule.record, ...rule })),
    ...alertRules.map((rule) => ({ name: rule.alert, ...rule })),
  ])('$name asks only for what exists', ({ expr }) => expect(problems(expr, series)).toEqual([]));

  it('read counters that exist with 0 from the start: increase() does not see the step from nothing to 1', () => {
    // This one begins with the first run of an experiment, and its alert says how it copes.
    const begins = ['paramedic_chaos_experiments_total'];
    const asked = [...recordingRules, ...alertRules].flatMap(({ expr }) => growing(expr));
    const late = metricNames.filter(
      (name) => asked.some((each) => each.replace(/_(bucket|sum|count)$/, '') === name) && !catalogue[name].zero,
    );
    expect(late).toEqual(begins);
  });
});

describe('what an expression may ask for', () => {
  it.each([
    ['paramedic_restarts', 'paramedic_restarts does not exist'],
    ['paramedic_rto_achieved_seconds', 'paramedic_rto_achieved_seconds does not exist'],
    ['rate(paramedic_restarts_total_bucket[5m])', 'paramedic_restarts_total_bucket does not exist'],
    ['{job="paramedic"}', 'a series without a name does not exist'],
    ['paramedic_component_up{name="x"}', 'paramedic_component_up has no label name'],
    ['paramedic_component_state{state="broken"}', 'state of paramedic_component_state is never broken'],
    ['paramedic_component_state{state=~"failed|dead"}', 'state of paramedic_component_state is never dead'],
    ['sum without (kind) (paramedic_component_up)', 'without (kind): nothing there has a label kind'],
    ['sum by (breaker) (paramedic_component_up)', 'by (breaker): nothing there has a label breaker'],
    ['rate(paramedic_component_up[5m])', 'paramedic_component_up is no counter'],
    ['up == 1 and on (component) paramedic_component_up == 1', 'on (component): nothing there has a label component'],
    ['component:paramedic_restarts:rate5m{reason="crash"}', 'component:paramedic_restarts:rate5m has no label reason'],
    ['paramedic_component_up{', 'does not parse'],
  ])('%s: %s', (expr, problem) => expect(problems(expr, series)).toEqual([problem]));
});

describe('the labels of a result', () => {
  it.each([
    ['sum without (reason) (paramedic_restarts_total)', ['component', 'instance', 'job', 'outcome']],
    ['sum by (outcome) (paramedic_restarts_total)', ['outcome']],
    ['histogram_quantile(0.9, paramedic_rto_achieved_seconds_bucket)', ['component', 'instance', 'job']],
    ['up == 0 and on (instance) paramedic_component_up == 0', ['instance', 'job']],
    ['vector(1)', []],
  ])('%s: %j', (expr, labels) => expect([...outputLabels(expr, series).keys()].toSorted()).toEqual(labels));
});

describe('an alert', () => {
  it.each(alertRules)('$alert says how bad it is, what is the matter and where to read on', (rule) => {
    expect(['critical', 'warning', 'info', 'none']).toContain(rule.labels['severity']);
    expect(Object.keys(rule.annotations).toSorted()).toEqual(['description', 'runbook_url', 'summary']);
    expect(rule.annotations['runbook_url']).toBe(`docs/runbooks/${rule.alert}.md`);
    const labels = outputLabels(rule.expr, series);
    for (const [, label] of Object.values(rule.annotations)
      .join(' ')
      .matchAll(/\$labels\.(\w+)/g))
      expect([...labels.keys()], rule.alert).toContain(label);
    expect(JSON.stringify(rule.labels)).not.toContain('$');
  });

  it('asks only for actions that exist', () => {
    for (const { labels } of alertRules) expect([...actionNames, undefined]).toContain(labels['recovery_action']);
  });

  it('has a test in which it fires and one in which it is silent', () => {
    const cases = tests
      .flatMap((file) => (readYaml(`tests/${file}`) as { tests: { promql_expr_test: Case[] }[] }).tests)
      .flatMap(({ promql_expr_test: all }) => all);
    const sorted = (fires: boolean) =>
      new Set(
        cases
          .filter(({ exp_samples: samples }) => samples.length > 0 === fires)
          .map(({ expr }) => /alertname="(\w+)"/.exec(expr)?.[1]),
      );
    expect(sorted(true)).toEqual(names);
    // The watchdog has nothing that could silence it.
    expect(sorted(false)).toEqual(new Set([...names].filter((name) => name !== 'ParamedicWatchdog')));
  });
});
interface Case {
  readonly expr: string;
  readonly exp_samples: readonly unknown[];
}

describe('the runbooks', () => {
  const { commands } = createProgram();
  const pages = readdirSync(RUNBOOKS);
  const text = (page: string) => readFileSync(join(RUNBOOKS, page), 'utf8');

  it('are one for each alert', () => {
    expect(new Set(pages.map((page) => basename(page, '.md')))).toEqual(names);
  });

  it.each(pages)('%s names only commands and pages that exist', (page) => {
    for (const [, name = '', sub] of text(page).matchAll(/(?:^|`)paramedic ([a-z-]+)(?: ([a-z]+)\b)?/gm)) {
      const command = commands.find((each) => each.name() === name);
      expect(command, name).toBeDefined();
      if (command?.commands.length) expect(command.commands.map((each) => each.name())).toContain(sub);
    }
    for (const [, link] of text(page).matchAll(/\]\(([^)]+)\)/g)) expect(pages).toContain(link);
  });
});

describe('the configuration of Prometheus', () => {
  it('is accepted by promtool', ({ skip }) => {
    needs(promtool, skip);
    expect(run(promtool, 'check', 'config', join(ALERTS, 'prometheus.yml'))).toMatchObject({ code: 0 });
  });
});

describe('the configuration of Alertmanager', () => {
  const file = join(ALERTS, 'alertmanager.yml');
  const { route, inhibit_rules: inhibitions, receivers } = readYaml('alertmanager.yml') as AlertmanagerConfig;

  it('is accepted by amtool', ({ skip }) => {
    needs(amtool, skip);
    expect(run(amtool, 'check-config', file)).toMatchObject({ code: 0 });
  });

  it.for([
    ['ParamedicComponentDown', 'critical', 'restart', 'paramedic,people'],
    ['ParamedicComponentFailed', 'critical', '', 'people'],
    ['ParamedicSupervisorDown', 'critical', '', 'people'],
    ['ParamedicWatchdog', 'none', '', 'paramedic'],
    ['ParamedicChaosInProgress', 'none', '', 'nobody'],
    ['SomethingElse', 'warning', 'restart', 'paramedic,people'],
  ])('sends %s (%s, asks for "%s") to %s', ([alertname, severity, action, to], { skip }) => {
    needs(amtool, skip);
    const labels = [`alertname=${alertname}`, `severity=${severity}`, `recovery_action=${action}`];
    expect(
      run(amtool, 'config', 'routes', 'test', '--config.file', file, `--verify.receivers=${to}`, ...labels),
    ).toMatchObject({ code: 0 });
  });

  it('lets Paramedic heal before people hear of it', () => {
    expect(route.routes[0]).toMatchObject({
      receiver: 'paramedic',
      continue: true,
      group_by: ['...'],
      group_wait: '0s',
    });
    const people = route.routes.filter(({ receiver }) => receiver === 'people');
    expect(people).toMatchObject([
      { matchers: ['alertname="ParamedicComponentFailed"'], group_wait: '0s' },
      { matchers: ['recovery_action!=""'], group_by: ['...'], group_wait: '2m' },
    ]);
    expect(receivers.find(({ name }) => name === 'paramedic')?.webhook_configs).toMatchObject([
      {
        url: 'http://127.0.0.1:9477/webhooks/alertmanager',
        send_resolved: true,
        http_config: { follow_redirects: false, authorization: {} },
      },
    ]);
  });

  it('never inhibits what asks for an action, nor an alert that is not there', () => {
    for (const { source_matchers: source, target_matchers: target } of inhibitions) {
      expect(target).toContain('recovery_action=""');
      for (const [name] of [...source, ...target].join(' ').matchAll(/Paramedic\w+/g)) expect(names).toContain(name);
    }
  });
});
interface AlertmanagerConfig {
  readonly route: { readonly routes: readonly { readonly receiver: string }[] };
  readonly inhibit_rules: readonly { readonly source_matchers: string[]; readonly target_matchers: string[] }[];
  readonly receivers: readonly { readonly name: string; readonly webhook_configs?: readonly unknown[] }[];
}
