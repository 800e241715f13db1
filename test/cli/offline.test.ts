import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyIdOf } from '../../src/checkpoints/index.ts';
import { parse } from 'yaml';
import { paramedic, project } from './support.ts';

describe('the command line', () => {
  it('tells its version', async () => {
    expect(await paramedic(['--version'], project())).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });

  it('ends with 0 for help and with 2 when nothing is asked', async () => {
    expect(await paramedic(['--help'], project())).toMatchObject({ code: 0, stderr: '' });
    expect(await paramedic([], project())).toMatchObject({ code: 2, stdout: '' });
  });

  it.each([
    { args: ['statsu'], says: "error: unknown command 'statsu'\n(Did you mean status?)" },
    { args: ['status', '--jsn'], says: "error: unknown option '--jsn'\n(Did you mean --json?)" },
    { args: ['restart'], says: "error: missing required argument 'component'" },
    { args: ['status', 'gmail'], says: 'error: too many arguments' },
    { args: ['logs', 'a', '-n', 'many'], says: 'Expected a whole number from 0 to 1000000.' },
    { args: ['config'], says: 'Usage: paramedic config' },
  ])('ends with 2 for $args', async ({ args, says }) => {
    const { code, stdout, stderr } = await paramedic(args, project());
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(says);
    expect(stderr).not.toContain('    at ');
  });
});

describe('config check', () => {
  it('names the keys that states are encrypted with', async () => {
    const [key, former] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const yaml = 'components: {}\nstate_encryption: { key: "${KEY}", previous_keys: ["${FORMER}"] }\n';
    const env = { KEY: key.toString('hex'), FORMER: former.toString('base64') };
    const { code, stdout } = await paramedic(['config', 'check'], project(yaml), env);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `paramedic.yaml: good; 0 components; states are encrypted with the key ${keyIdOf(key)}; what ${keyIdOf(former)} has encrypted is still read\n`,
    });
  });

  it.each([
    { bad: 'an unknown key', yaml: 'restrat: {}', says: '1:1 restrat: unknown key "restrat"; did you mean "restart"?' },
    {
      bad: 'a wrong type',
      yaml: 'components:\n  gmail:\n    command: [x]\n    restart: { max_restarts: many }\n',
      says: '4:30 components.gmail.restart.max_restarts: expected a whole number ≥ 0, got "many"',
    },
    {
      bad: 'a bad duration',
      yaml: 'intervals: { critical: soon }',
      says: '1:24 intervals.critical: expected a duration such as 250ms, 5s, 10m, 1h, 7d or a number of seconds, got "soon"',
    },
    {
      bad: 'a dangling dependency',
      yaml: 'components: { a: { command: [x], depends_on: [memory] } }',
      says: '1:47 components.a.depends_on[0]: no component is named "memory"',
    },
    {
      bad: 'a cycle',
      yaml: 'components:\n  a: { command: [x], depends_on: [b] }\n  b: { command: [x], depends_on: [a] }\n',
      says: '2:35 components.a.depends_on[0]: dependency cycle: a → b → a',
    },
    {
      bad: 'broken YAML',
      yaml: 'components: [\n',
      says: '2:1: flow sequence in block collection must be sufficiently indented and end with a ]',
    },
  ])('ends with 2 and one line for $bad', async ({ yaml, says }) => {
    expect(await paramedic(['config', 'check'], project(yaml))).toEqual({
      code: 2,
      stdout: '',
      stderr: `paramedic.yaml:${says}\n`,
    });
  });

  it('names several at once', async () => {
    const { code, stderr } = await paramedic(['config', 'check'], project('listen: 1\nx: 1\n'));
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'paramedic.yaml:1:9 listen: expected text, got 1\nparamedic.yaml:2:1 x: unknown key "x"\n',
    });
  });

  it('names an absent file as it was given', async () => {
    const says = 'sub/none.yaml: no such file; name another one with --config\n';
    expect(await paramedic(['config', 'check', '--config', 'sub/none.yaml'], project())).toEqual({
      code: 2,
      stdout: '',
      stderr: says,
    });
    expect(await paramedic(['config', 'check'], project(), { PARAMEDIC_CONFIG: 'sub/none.yaml' })).toMatchObject({
      stderr: says,
    });
  });

  it('is content with a good file', async () => {
    const folder = project('components: { a: { command: [x] } }');
    expect(await paramedic(['config', 'check'], folder)).toEqual({
      code: 0,
      stdout: 'paramedic.yaml: good; 1 component\n',
      stderr: '',
    });
  });

  it('shows the stack of an error only when it is asked for', async () => {
    const { stderr } = await paramedic(['config', 'check'], project('x: 1'), { PARAMEDIC_DEBUG: '1' });
    expect(stderr).toContain('    at ');
  });
});

describe('config show and schema', () => {
  it('shows all defaults and no secret', async () => {
    const folder = project('components: { a: { command: [run, "--key=${KEY}"], env: { API_TOKEN: hush } } }');
    const { code, stdout } = await paramedic(['config', 'show'], folder, { KEY: 'sesame' });
    expect(code).toBe(0);
    expect(stdout).not.toMatch(/hush|sesame/);
    expect(parse(stdout)).toMatchObject({
      listen: '127.0.0.1:9477',
      components: { a: { command: ['run', '--key=***'], env: { API_TOKEN: '***' }, stop: { timeout: '10s' } } },
    });
    const asJson = await paramedic(['config', 'show', '--json'], folder, { KEY: 'sesame' });
    expect(JSON.parse(asJson.stdout)).toEqual(parse(stdout));
  });

  it('prints a JSON Schema', async () => {
    const { code, stdout } = await paramedic(['config', 'schema'], project());
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
    });
  });
});

describe('without a daemon', () => {
  it.each([
    ['status'],
    ['stop'],
    ['reload'],
    ['events'],
    ['restart', 'a'],
    ['explain', 'a'],
    ['logs', 'a'],
    ['checkpoints', 'list'],
    ['checkpoints', 'create', 'a'],
    ['breakers', 'list'],
    ['degrade'],
    ['degrade', 'minimal', '--for', '2h'],
  ])('%s ends with 3 and says so', async (...args) => {
    const folder = project();
    expect(await paramedic(args, folder)).toEqual({
      code: 3,
      stdout: '',
      stderr: `No daemon is running for ${join(folder, '.paramedic')}. \`paramedic start\` starts one.\n`,
    });
  });

  it.each([
    ['has died', { pid: 2 ** 22 + 1, url: 'http://127.0.0.1:1' }],
    ['does not answer', { pid: process.pid, url: 'http://127.0.0.1:2' }],
    ['has left an unreadable file', 'x'],
  ])('a daemon that %s is none', async (_, content) => {
    const folder = project();
    mkdirSync(join(folder, 'state/tokens'), { recursive: true });
    writeFileSync(join(folder, 'state/tokens/api.token'), 'x'.repeat(64));
    writeFileSync(join(folder, 'state/daemon.json'), JSON.stringify(content));
    expect(await paramedic(['status', '--state-dir', 'state'], folder)).toMatchObject({ code: 3, stdout: '' });
  });

  it('status needs a configuration file, but not a good one', async () => {
    expect(await paramedic(['status', '-c', 'none.yaml'], project())).toMatchObject({ code: 2 });
    const { code, stderr } = await paramedic(['status'], project('state_dir: ./there\nnonsense: 1\n'));
    expect(code).toBe(3);
    expect(stderr).toContain('/there.');
  });
});

describe('start', () => {
  it.each([[], ['--detach']])('with a bad configuration starts nothing and ends with 2 %s', async (...args) => {
    const folder = project('components: { a: { command: [] } }');
    expect(await paramedic(['start', ...args], folder)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'paramedic.yaml:1:29 components.a.command: expected a program to run, got an empty list\n',
    });
  });
});
