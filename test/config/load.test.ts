import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { stateDirOf } from '../../src/config/source.ts';
import { ParamedicError } from '../../src/errors.ts';
import { tempFolder } from '../support/temp.ts';
import { loaded, written } from './support.ts';

describe('a good configuration', () => {
  it('is complete: every default is filled in and durations are milliseconds', () => {
    const { config } = loaded('components: { a: { command: [x], stop: { timeout: 90 } } }');
    expect(config.components['a']).toMatchObject({
      priority: 'medium',
      stop: { signal: 'SIGTERM', timeout: 90_000 },
      restart: { policy: 'exponential_backoff', initial_delay: 5_000 },
    });
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 9477 });
  });

  it('may be empty, and may be JSON with a $schema', () => {
    expect(loaded('').config.components).toEqual({});
    expect(loaded('# only a comment\n').config.components).toEqual({});
    expect(loaded('{"$schema": "./x.json", "components": {}}').config.components).toEqual({});
  });

  it('has its defaults under every component: maps are merged, lists replaced', () => {
    const { config } = loaded(`
defaults: { restart: { max_restarts: 2, jitter: 0 }, env: { A: 1, B: 2 }, env_inherit: [PATH, HOME] }
components:
  a: { command: [x], restart: { max_restarts: 9 }, env: { B: 3 }, env_inherit: [LANG] }
  b: { command: [x] }
`);
    expect(config.components['a']).toMatchObject({ restart: { max_restarts: 9, jitter: 0 }, env: { A: '1', B: '3' } });
    expect(config.components['a']?.env_inherit).toEqual(['LANG']);
    expect(config.components['b']).toMatchObject({ restart: { max_restarts: 2 }, env_inherit: ['PATH', 'HOME'] });
  });

  it('has the breakers of the specification', () => {
    const { config, masked } = loaded('breakers: { gpt_api: { recovery_timeout: 60s }, smtp: {} }');
    const smtp = {
      failure_threshold: 5,
      failure_window: 60_000,
      recovery_timeout: 30_000,
      half_open_max_calls: 3,
      half_open_max_wait: 60_000,
      success_threshold: 2,
    };
    expect(config.breakers).toEqual({ gpt_api: { ...smtp, recovery_timeout: 60_000 }, smtp });
    expect(masked).toMatchObject({
      breakers: { gpt_api: { recovery_timeout: '1m' }, smtp: { recovery_timeout: '30s' } },
    });
  });

  it('has absolute folders, relative to the file', () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'agent'));
    const file = written('components: { a: { command: [x], cwd: agent }, b: { command: [x] } }', 'p.yaml', folder);
    const { config } = loadConfig(file);
    expect(config.state_dir).toBe(join(folder, '.paramedic'));
    expect(config.components['a']?.cwd).toBe(join(folder, 'agent'));
    expect(config.components['b']?.cwd).toBe(folder);
  });

  it('takes variables and files into its values, and $${ as it is', () => {
    const file = written('components: { a: { command: [sh, "$${X} ${X} ${file:key}"] } }');
    writeFileSync(join(dirname(file), 'key'), 'from file\n');
    expect(loadConfig(file, { X: 'from env' }).config.components['a']?.command).toEqual([
      'sh',
      '${X} from env from file',
    ]);
  });

  it('may use anchors and aliases', () => {
    const { config } = loaded('components: { a: { command: &c [x, y] }, b: { command: *c } }');
    expect(config.components['b']?.command).toEqual(['x', 'y']);
  });

  it('is the paramedic.yaml of a folder', () => {
    const file = written('restart: { max_restarts_per_hour: 3 }');
    expect(loadConfig(dirname(file)).config.restart.max_restarts_per_hour).toBe(3);
  });
});

describe('the state folder', () => {
  it('is known even when the rest of the file is wrong', () => {
    const file = written('state_dir: ./here\ncomponents: { a: 5 }\nnonsense: [');
    expect(stateDirOf(file)).toBe(join(dirname(file), 'here'));
    expect(stateDirOf(written('listen: 1'))).toMatch(/\.paramedic$/);
  });

  it('is not guessed when its variable is not set', () => {
    expect(() => stateDirOf(written('state_dir: ${NOT_SET}'), {})).toThrow(
      '1:12 state_dir: the environment variable NOT_SET',
    );
  });
});

const onlyConfigInvalid = (file: string, text: string): void => {
  writeFileSync(file, text);
  try {
    loadConfig(file, {});
  } catch (error) {
    if (!(error instanceof ParamedicError) || error.code !== 'CONFIG_INVALID') throw error;
    for (const line of error.message.split('\n')) expect(line).toMatch(/^\S+paramedic\.yaml:\d+:\d+( .+)?: ./);
  }
};

describe('garbage', () => {
  const keys = fc.oneof(
    fc.constantFrom(
      'components',
      'defaults',
      'restart',
      'checks',
      'command',
      'depends_on',
      'env',
      'tcp',
      'a',
      'host',
      'listen',
      '__proto__',
      'constructor',
      'state_dir',
      'maintenance_windows',
      'cron',
    ),
    fc.string(),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.constantFrom('a', '${A}', '5s')),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
    ),
  }));

  it('of any shape is either a configuration or CONFIG_INVALID', () => {
    const file = join(tempFolder(), 'paramedic.yaml');
    fc.assert(
      fc.property(value, (object) => onlyConfigInvalid(file, stringify(object, { aliasDuplicateObjects: false }))),
      { numRuns: 300 },
    );
  });

  it('of any text is either a configuration or CONFIG_INVALID', () => {
    const file = join(tempFolder(), 'paramedic.yaml');
    const piece = fc.oneof(
      fc.constantFrom(
        'a:',
        '- ',
        '\n',
        '  ',
        '{',
        '}',
        '[',
        ']',
        '*a',
        '&a ',
        '"',
        "'",
        '|',
        '>',
        '!',
        '%',
        '---',
        '${',
        '\t',
        '?',
        ': ',
        '#',
        '<<',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => onlyConfigInvalid(file, pieces.join(''))),
      { numRuns: 500 },
    );
  });

  it.each([
    ['nesting without end', '['.repeat(20_000)],
    ['an alias inside itself', 'a: &a [*a]'],
    [
      'aliases that grow without end',
      [
        'a0: &a0 [x,x,x,x,x,x,x,x,x]',
        ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`),
      ].join('\n'),
    ],
    ['bytes', '\u0000\u0001\ufffd\u2028'],
  ])('%s is CONFIG_INVALID', (_, text) => {
    const file = join(tempFolder(), 'paramedic.yaml');
    writeFileSync(file, text);
    expect(() => loadConfig(file, {})).toThrow(ParamedicError);
    onlyConfigInvalid(file, text);
  });
});
