import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diffConfig, loadConfig } from '../../src/config/index.ts';
import { ParamedicError } from '../../src/errors.ts';
import { loaded, problemsIn, written } from './support.ts';

const [key, other] = ['11'.repeat(32), '22'.repeat(32)];
const env = { STATE_KEY: key, OLD_KEY: other, SHORT: 'c0ffee', EMPTY: '' };
const how = 'it must be 32 bytes, as 64 hex digits or in base64 (`openssl rand -hex 32` makes one)';

describe('state_encryption', () => {
  it('takes keys from variables and files, and shows none of them', () => {
    const file = written('state_encryption: { key: "${STATE_KEY}", previous_keys: ["${file:old.key}"] }');
    const keyFile = join(dirname(file), 'old.key');
    writeFileSync(keyFile, `${Buffer.from(other, 'hex').toString('base64')}\n`, { mode: 0o640 });
    const { config, masked } = loadConfig(file, env);
    expect(config.state_encryption).toEqual({
      key: Buffer.from(key, 'hex'),
      previous_keys: [Buffer.from(other, 'hex')],
    });
    expect(masked).toMatchObject({ state_encryption: { key: '***', previous_keys: ['***'] } });
  });

  it('is not there unless it is asked for', () => {
    const { config, masked } = loaded('components: {}');
    expect(config).not.toHaveProperty('state_encryption');
    expect(masked).not.toHaveProperty('state_encryption');
  });

  it('changes with a new daemon only', () => {
    const text = (name: string) => `state_encryption: { key: "\${${name}}" }`;
    const [before, same, after] = ['STATE_KEY', 'STATE_KEY', 'OLD_KEY'].map((name) => loaded(text(name), env).config);
    expect(diffConfig(before!, { ...after!, state_dir: before!.state_dir }).daemonRestartNeeded).toEqual([
      'state_encryption',
    ]);
    expect(diffConfig(before!, { ...same!, state_dir: before!.state_dir }).settings).toEqual([]);
  });

  it.each([
    {
      flaw: 'a variable that is not set',
      text: 'state_encryption: { key: "${GONE}" }',
      problem: '1:26 state_encryption.key: the environment variable GONE is not set',
    },
    {
      flaw: 'a variable that is empty',
      text: 'state_encryption: { key: "${EMPTY}" }',
      problem: `1:26 state_encryption.key: the key is empty: ${how}`,
    },
    {
      flaw: 'a file that is not there',
      text: 'state_encryption: { key: "${file:gone.key}" }',
      problem: '1:26 state_encryption.key: the file gone.key cannot be read (ENOENT)',
    },
    {
      flaw: 'what is no key',
      text: 'state_encryption: { key: "${SHORT}" }',
      problem: `1:26 state_encryption.key: this is no key of AES-256: ${how}`,
    },
    {
      flaw: 'what is no key among those before',
      text: 'state_encryption: { key: "${STATE_KEY}", previous_keys: ["${SHORT}"] }',
      problem: `1:58 state_encryption.previous_keys[0]: this is no key of AES-256: ${how}`,
    },
    {
      flaw: 'no key at all',
      text: 'state_encryption: {}',
      problem: '1:1 state_encryption.key: missing required key "key"; expected text',
    },
    {
      flaw: 'a key that stands in the file',
      text: `state_encryption: { key: "${key}" }`,
      problem: '1:26 state_encryption.key: a key does not belong in this file: write it as ${NAME} or ${file:/path}',
    },
    {
      flaw: 'a component that would get it',
      text: 'state_encryption: { key: "${STATE_KEY}" }\ncomponents: { a: { command: [x], env_inherit: [PATH, STATE_KEY] } }',
      problem:
        '2:54 components.a.env_inherit[1]: STATE_KEY holds a key of "state_encryption": no component may have it',
    },
    {
      flaw: 'components that would all get it',
      text: 'state_encryption: { key: "${STATE_KEY}" }\ndefaults: { env_inherit: [STATE_KEY] }\ncomponents: { a: { command: [x] }, b: { command: [x] } }',
      problem: '2:27 defaults.env_inherit[0]: STATE_KEY holds a key of "state_encryption": no component may have it',
    },
  ])('names $flaw', ({ text, problem }) => {
    expect(problemsIn(text, env)).toEqual([`paramedic.yaml:${problem}`]);
  });

  it.skipIf(process.platform === 'win32')('names a file that everybody may read', () => {
    const file = written('state_encryption: { key: "${file:state.key}" }');
    const keyFile = join(dirname(file), 'state.key');
    writeFileSync(keyFile, key);
    chmodSync(keyFile, 0o644);
    const load = () => loadConfig(file, env);
    expect(load).toThrow('everybody on this machine may read or change state.key (mode 644): chmod 600 it');
    chmodSync(keyFile, 0o640);
    expect(load).not.toThrow();
  });

  it('quotes no key in what it says', () => {
    const nearly = `${key}0`;
    for (const text of [`state_encryption: { key: "${nearly}" }`, 'state_encryption: { key: "${NEARLY}" }'])
      try {
        loaded(text, { NEARLY: nearly });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(ParamedicError);
        expect(String(error)).not.toContain('1111');
      }
  });
});
