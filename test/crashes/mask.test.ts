import { describe, expect, it } from 'vitest';
import { createMask } from '../../src/crashes/index.ts';

const mask = createMask({ AGENT_TOKEN: 'hunter2-and-more', SHORT_TOKEN: 'yes', HOME: '/home/agent' });

describe('a mask', () => {
  it.each([
    ['--token=abc --name=x', '--token=*** --name=x'],
    ['--api-key abc run', '--api-key *** run'],
    ['OPENAI_API_KEY=abc', 'OPENAI_API_KEY=***'],
    ['{"password": "a \\" b", "user": "u"}', '{"password": ***, "user": "u"}'],
    ["{ clientSecret: 'a b', port: 1 }", '{ clientSecret: ***, port: 1 }'],
    ['Authorization: Bearer abc.def-ghi', 'Authorization: ***'],
    ['sent Bearer abc.def-ghi to it', 'sent Bearer *** to it'],
    ['postgres://me:pa55@db/x?password=abc&a=1', 'postgres://***@db/x?password=***&a=1'],
    ['https://0123456789abcdef0123@github.com/x', 'https://***@github.com/x'],
    ['PARAMEDIC_TOKEN=0011aabb', 'PARAMEDIC_TOKEN=***'],
    ['key sk-proj-abcdefghijklmnop1234 used', 'key *** used'],
    [`ghp_${'a'.repeat(36)}`, '***'],
    ['AKIAABCDEFGHIJKLMNOP', '***'],
    ['xoxb-12345-abcdef', '***'],
    [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl`, '***'],
    ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nok', '***\nok'],
    ['it is hunter2-and-more, yes', 'it is ***, yes'],
  ])('hides the secret in %j', (text, masked) => {
    expect(mask.text(text)).toBe(masked);
  });

  it.each([
    'TypeError: Unexpected token } in JSON at position 5',
    'max_tokens=4096 tokens: 17',
    'token: undefined, secret: null',
    'at http://127.0.0.1:9477/api/v1/status',
    'compass = north; tokenizer: bpe',
    '/home/agent said yes',
  ])('leaves %j alone', (text) => {
    expect(mask.text(text)).toBe(text);
  });

  it('looks into lists and objects, at names and at arguments', () => {
    expect(
      mask.deep({ api_key: 'abc', port: 1, inner: [{ password: 12 }], command: ['run', '--token', 'abc', '--v', 'x'] }),
    ).toEqual({
      api_key: '***',
      port: 1,
      inner: [{ password: '***' }],
      command: ['run', '--token', '***', '--v', 'x'],
    });
  });

  it('takes no longer for text that is made to trouble it', () => {
    const begun = performance.now();
    for (const text of [
      'token'.repeat(10_000),
      '"'.repeat(50_000),
      'a:/'.repeat(20_000),
      `password="${'\\a'.repeat(20_000)}`,
      '--x-'.repeat(15_000),
      '-'.repeat(60_000),
    ])
      mask.text(text);
    expect(performance.now() - begun).toBeLessThan(2_000);
  });
});
