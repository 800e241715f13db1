import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { maskText } from '../../src/config/secrets.ts';
import { loaded, written } from './support.ts';

describe('the configuration in force', () => {
  it('has every default, in the words of a file', () => {
    const file = written(
      'components: { a: { command: [x], checks: { api: { tcp: { port: 80 } } }, start: { timeout: 90 } } }',
    );
    expect(loadConfig(file).masked).toMatchObject({
      state_dir: join(dirname(file), '.paramedic'),
      listen: '127.0.0.1:9477',
      intervals: { critical: '5s', standard: '30s', extended: '5m' },
      components: {
        a: {
          cwd: dirname(file),
          start: { timeout: '90s', period: '10s' },
          restart: { jitter: '10%', exit_codes: {} },
          logs: { max_size: '10MiB', keep: 5 },
          checks: {
            api: { tcp: { host: '127.0.0.1', port: 80 }, interval: 'standard', timeout: '5s', action: 'restart' },
          },
        },
      },
    });
  });

  it('reads back as the same configuration', () => {
    const text =
      'defaults: { restart: { jitter: 12.5% } }\ncomponents: { a: { command: [x], checks: { c: { tcp: { port: 1 }, interval: 7 } } } }';
    const first = loaded(text);
    const second = loaded(stringify(first.masked));
    expect({ ...second.config, defaults: {} }).toEqual({ ...first.config, defaults: {} });
  });

  it('hides what came through ${…}, what is called a secret, and what looks like one', () => {
    const { masked } = loaded(
      `components:
  a:
    command: [run, --token=abc, --api-key, abc, "postgres://me:abc@db/x", "https://maps/v1?key=abc&n=1", "\${V}", "--to=\${V}", plain]
    env: { GITHUB_TOKEN: abc, SMTP_PASSWORD: 123, NORMAL: shown, FROM: "\${V}" }
`,
      { V: 'abc' },
    );
    expect(masked).toMatchObject({
      components: {
        a: {
          command: [
            'run',
            '--token=***',
            '--api-key',
            '***',
            'postgres://me:***@db/x',
            'https://maps/v1?key=***&n=1',
            '***',
            '--to=***',
            'plain',
          ],
          env: { GITHUB_TOKEN: '***', SMTP_PASSWORD: '***', NORMAL: 'shown', FROM: '***' },
        },
      },
    });
    expect(JSON.stringify(masked)).not.toContain('abc');
  });

  it('hides the path of a webhook: who knows it may post there', () => {
    const { masked, config } = loaded(
      'notifications: { webhooks: [{ url: "https://hooks/services/abc" }, { url: "http://h:1" }, { url: "${V}/abc" }] }',
      { V: 'https://abc' },
    );
    const urls = [{ url: 'https://hooks/***' }, { url: 'http://h:1' }, { url: '***/abc' }];
    expect(masked).toMatchObject({ notifications: { webhooks: urls } });
    expect(config.notifications.webhooks[0]?.url).toBe('https://hooks/services/abc');
  });

  it('hides the keys of a collector', () => {
    const { masked, config } = loaded(
      'telemetry: { otlp: { endpoint: "https://me:abc@h:4318", headers: { authorization: Basic abc, x-team: "${T}", x-plain: shown } } }',
      { T: 'abc' },
    );
    expect(masked).toMatchObject({
      telemetry: {
        otlp: {
          endpoint: 'https://me:***@h:4318',
          headers: { authorization: '***', 'x-team': '***', 'x-plain': 'shown' },
          timeout: '10s',
        },
      },
    });
    expect(config.telemetry.otlp?.headers).toEqual({ authorization: 'Basic abc', 'x-team': 'abc', 'x-plain': 'shown' });
  });

  it.each([
    ['curl -H "Authorization: Bearer abc" x', 'curl -H "Authorization: ***" x'],
    ['export API_KEY=abc; run', 'export API_KEY=*** run'],
    ['https://h/x?access_token=abc&y=1', 'https://h/x?access_token=***&y=1'],
    ['https://me:abc@host/', 'https://me:***@host/'],
    ['node server.js --port=80', 'node server.js --port=80'],
  ])('shows %s as %s', (text, shown) => {
    expect(maskText(text)).toBe(shown);
  });
});
