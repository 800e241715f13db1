import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { token } from '../../../src/health/checks/token.ts';
import { momentOf, readOAuthToken } from '../../../src/health/oauth-token.ts';
import { tempFolder } from '../../support/temp.ts';
import { runCheck } from '../serve.ts';

const HOUR = 3_600_000;
const at = (ms: number) => Date.now() + ms;
const secret = 'ya29.secret';
/** As Python's google-auth stores it: a date without a zone. */
const python = (ms: number, more = {}) => ({
  token: secret,
  refresh_token: '1//secret',
  token_uri: 'https://oauth2.googleapis.com/token',
  client_id: 'id',
  client_secret: 'secret',
  scopes: [],
  expiry: new Date(at(ms)).toISOString().replace('Z', '000'),
  ...more,
});
const node = (ms: number, more = {}) => ({ access_token: secret, expiry_date: at(ms), token_type: 'Bearer', ...more });
const jwt = (ms: number) =>
  ['{}', JSON.stringify({ exp: Math.floor(at(ms) / 1_000) }), 'x']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

async function check(content: unknown, options: object = {}) {
  const cwd = tempFolder();
  writeFileSync(join(cwd, 'token.json'), typeof content === 'string' ? content : JSON.stringify(content));
  const result = await runCheck(token, { path: 'token.json', ...options }, { cwd });
  expect(result.message).not.toContain('secret');
  return result;
}

describe('token check', () => {
  it.each<[string, unknown, object, string, string]>([
    ["Google's for Python, valid", python(HOUR), {}, 'healthy', 'and can be refreshed'],
    ['ended, refreshable', python(-HOUR), {}, 'healthy', 'ago and can be refreshed'],
    ['ended long ago', python(-48 * HOUR), {}, 'degraded', 'nobody does'],
    ['ended, its client unknown', python(-HOUR, { client_id: undefined }), {}, 'unhealthy', 'cannot be refreshed'],
    ["Google's for Node, valid for days", node(48 * HOUR), {}, 'healthy', 'valid for'],
    ['soon over', node(HOUR), {}, 'degraded', 'sign in again'],
    ['soon over, but not soon enough', node(HOUR), { warning: '10m' }, 'healthy', 'valid'],
    ['ended, no refresh token', node(-HOUR), {}, 'unhealthy', 'cannot be refreshed'],
    [
      'authorized user',
      { type: 'authorized_user', client_id: 'id', refresh_token: 'secret' },
      {},
      'healthy',
      'can be had',
    ],
    [
      'authorized user of nobody',
      { type: 'authorized_user', refresh_token: 'secret' },
      {},
      'unhealthy',
      'without a person',
    ],
    [
      'an answer as it came',
      { access_token: secret, expires_in: 3600, refresh_token: 'secret' },
      {},
      'healthy',
      'valid for',
    ],
    [
      'one that was made long ago',
      { access_token: secret, expires_in: 3600, created_at: 1e9 },
      {},
      'unhealthy',
      'ended',
    ],
    [
      'its refresh token ends',
      python(-HOUR, { refresh_token_expires_in: 3600 }),
      {},
      'degraded',
      'refresh token ends in',
    ],
    ['its refresh token has ended', python(-HOUR, { refresh_token_expires_in: -1 }), {}, 'unhealthy', 'cannot'],
    ['a JWT below a name', { tokens: { access_token: jwt(-HOUR) } }, {}, 'unhealthy', 'cannot be refreshed'],
    ['one of several', { a: node(-HOUR), b: { c: node(48 * HOUR) } }, { key: 'b.c' }, 'healthy', 'valid'],
    ['nothing that says how long', { access_token: secret }, {}, 'unknown', 'nothing says'],
    ['an empty object', {}, {}, 'unknown', 'holds no token'],
    ['empty tokens', { access_token: '', refresh_token: ' ' }, {}, 'unknown', 'holds no token'],
    ['a list', [secret], {}, 'unknown', 'holds no token'],
    ['nothing', '', {}, 'unknown', 'empty'],
    ['a file cut off', '{"token": "ya29.secret', {}, 'unhealthy', 'no JSON'],
  ])('%s', async (_, content, options, status, words) => {
    expect(await check(content, options)).toMatchObject({ status, message: expect.stringContaining(words) });
  });

  it('is unhealthy without its file', async () => {
    expect(await runCheck(token, { path: 'absent.json' }, { cwd: tempFolder() })).toMatchObject({
      status: 'unhealthy',
    });
  });
});

describe('times in token files', () => {
  it.each([
    [1_700_000_000, 1_700_000_000_000],
    [1_700_000_000_123, 1_700_000_000_123],
    ['1700000000', 1_700_000_000_000],
    ['2023-11-14T22:13:20Z', 1_700_000_000_000],
    ['2023-11-14T22:13:20.000000', 1_700_000_000_000],
    ['2023-11-15 00:13:20+02:00', 1_700_000_000_000],
    ['soon', null],
    [3_599, null],
    [null, null],
  ])('%j', (value, moment) => expect(momentOf(value)).toBe(moment));

  it('count `expires_in` from when the file was written', () => {
    expect(readOAuthToken({ access_token: 'x', expires_in: 10 }, undefined, 5_000)).toMatchObject({
      expiresAt: 15_000,
    });
  });
});
