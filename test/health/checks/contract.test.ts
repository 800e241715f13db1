import { describe, expect, it } from 'vitest';
import { checks } from '../../../src/health/index.ts';
import { checkContract } from '../../contracts/check.ts';

const options: Record<string, unknown> = {
  http: { url: 'http://127.0.0.1:1/' },
  tcp: { port: 1 },
  engine: {},
  process: {},
  heartbeat: {},
  command: { command: [process.execPath, '-e', 'setTimeout(() => {}, 300)'] },
  system: {},
  gmail: { token_file: 'no-such-token.json', base_url: 'http://127.0.0.1:1' },
  ping: { token: 'nobody-can-guess-me' },
  llm: { url: 'http://127.0.0.1:1/v1' },
  twilio: { account_sid: 'AC1', auth_token: 'x', base_url: 'http://127.0.0.1:1' },
  tts: { url: 'http://127.0.0.1:1/' },
  stt: { url: 'http://127.0.0.1:1/' },
  file: { path: 'package.json' },
  disk: {},
  network: { target: '127.0.0.1:1' },
  token: { path: 'package.json' },
  identity: { files: ['package.json'] },
  systemd_unit: { unit: 'paramedic-test.service' },
  event_log: {},
  pending_reboot: {},
  scheduler: {},
  success_rate: {},
  event_loop: {},
  browser: { cdp_url: 'http://127.0.0.1:1' },
};

it('covers every kind of check', () => {
  expect(Object.keys(options).toSorted()).toEqual(checks.kinds.toSorted());
});

describe.each([...checks])('check $kind', (check) => checkContract(check, options[check.kind]));
