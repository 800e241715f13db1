import { describe, expect, it } from 'vitest';
import { diffConfig } from '../../src/config/index.ts';
import { written } from './support.ts';
import { loadConfig } from '../../src/config/index.ts';
import { tempFolder } from '../support/temp.ts';

const component = 'command: [x], env: { A: 1, B: 2 }, depends_on: [base]';
const before = `components: { base: { command: [b] }, a: { ${component} } }`;

function diff(after: string, start = before) {
  const folder = tempFolder();
  const read = (text: string) => loadConfig(written(text, 'paramedic.yaml', folder)).config;
  return diffConfig(read(start), read(after));
}
const nothing = {
  added: [],
  removed: [],
  changed: [],
  restartNeeded: [],
  dependenciesChanged: [],
  settings: [],
  daemonRestartNeeded: [],
};

describe('two configurations', () => {
  it('are the same whatever the order of their keys', () => {
    expect(
      diff('components: { a: { depends_on: [base], env: { B: 2, A: 1 }, command: [x] }, base: { command: [b] } }'),
    ).toEqual(nothing);
  });

  it('differ in components that came and went', () => {
    expect(diff('components: { base: { command: [b] }, c: { command: [c] } }')).toEqual({
      ...nothing,
      added: ['c'],
      removed: ['a'],
    });
  });

  it.each([
    ['command', component.replace('[x]', '[x, y]')],
    ['env', component.replace('A: 1', 'A: 3')],
    ['cwd', `${component}, cwd: ..`],
    ['env_inherit', `${component}, env_inherit: []`],
    ['nice', `${component}, nice: 5`],
  ])('need a restart of a component whose %s changed', (_, changed) => {
    expect(diff(`components: { base: { command: [b] }, a: { ${changed} } }`)).toEqual({
      ...nothing,
      changed: ['a'],
      restartNeeded: ['a'],
    });
  });

  it.each([
    'restart: { max_restarts: 1 }',
    'checks: { c: { tcp: { port: 1 } } }',
    'stop: { timeout: 1s }',
    'logs: { keep: 1 }',
    'state: { preserve: false }',
  ])('just apply { %s }', (setting) => {
    expect(diff(`components: { base: { command: [b] }, a: { ${component}, ${setting} } }`)).toEqual({
      ...nothing,
      changed: ['a'],
    });
  });

  it('tell dependencies, settings, and what only a new daemon can apply', () => {
    expect(
      diff(
        `listen: 127.0.0.1:1\ntelemetry: { series_limit: 500 }\nintervals: { critical: 1s }\ncomponents: { base: { command: [b] }, a: { command: [x], env: { A: 1, B: 2 } } }`,
      ),
    ).toEqual({
      ...nothing,
      changed: ['a'],
      dependenciesChanged: ['a'],
      settings: ['listen', 'intervals', 'telemetry'],
      daemonRestartNeeded: ['listen', 'telemetry'],
    });
  });
});
