import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gmail } from '../../../src/health/checks/gmail.ts';
import { tempFolder } from '../../support/temp.ts';
import { answer, expectAbsentAndSlow, runCheck, serve, site, type Page } from '../serve.ts';

const HOUR = 3_600_000;
/** As Google's Python library stores it. */
const tokenFile = (ms: number, more = {}) => ({
  token: 'ya29.hush',
  refresh_token: '1//hush',
  client_id: 'id',
  client_secret: 'hush',
  expiry: new Date(Date.now() + ms).toISOString(),
  ...more,
});

function folderWith(content: object): string {
  const cwd = tempFolder();
  writeFileSync(join(cwd, 'token.json'), JSON.stringify(content));
  return cwd;
}

const profile = { emailAddress: 'me@hush.example', messagesTotal: 5, historyId: '1' };
const only =
  (token: string): Page =>
  (request) =>
    request.headers.authorization === `Bearer ${token}` ? { status: 200, json: profile } : { status: 401 };

async function ask(
  pages: Record<string, Page>,
  content: object,
  options: object = {},
  memory = new Map<string, number>(),
) {
  const base_url = await serve(site(pages));
  const whole = { token_file: 'token.json', base_url, token_url: `${base_url}/token`, ...options };
  const result = await runCheck(gmail, whole, { cwd: folderWith(content), memory });
  expect(result.message).not.toContain('hush');
  return result;
}

const ME = '/gmail/v1/users/me/profile';
const quota = { error: { code: 403, errors: [{ reason: 'userRateLimitExceeded' }] } };

describe('gmail check', () => {
  it.each<[string, Page, object, string, string]>([
    ['well', only('ya29.hush'), tokenFile(HOUR), 'healthy', 'told the profile'],
    ['a token that Google has taken back', answer(401), tokenFile(HOUR), 'unhealthy', 'credentials are refused'],
    [
      'access that was not granted',
      answer(403, { error: { errors: [{ reason: 'insufficientPermissions' }] } }),
      tokenFile(HOUR),
      'unhealthy',
      '403',
    ],
    ['a quota that is used up', answer(403, quota), tokenFile(HOUR), 'degraded', 'too many requests'],
    ['too many requests', answer(429), tokenFile(HOUR), 'degraded', '429'],
    ['broken', answer(500), tokenFile(HOUR), 'unhealthy', '500'],
    ['nothing', {}, tokenFile(HOUR), 'unknown', 'without a profile'],
    [
      'ended, and cannot be refreshed',
      profile,
      tokenFile(-HOUR, { refresh_token: undefined }),
      'unhealthy',
      'cannot be refreshed',
    ],
    ['ended, and is refreshed by its owner', profile, tokenFile(-HOUR), 'degraded', 'the API could be asked'],
    ['no token', profile, {}, 'unknown', 'holds no token'],
  ])('%s', async (_, page, content, status, says) => {
    expect(await ask({ [ME]: page }, content)).toMatchObject({ status, message: expect.stringContaining(says) });
  });

  it('gets a token of its own when told to, once for as long as it lasts', async () => {
    const asked: string[] = [];
    const endpoint: Page = (_, body) => {
      asked.push(body);
      return { status: 200, json: { access_token: 'ya29.hush-new', expires_in: 3_599, token_type: 'Bearer' } };
    };
    const base_url = await serve(site({ '/token': endpoint, [ME]: only('ya29.hush-new') }));
    const options = { token_file: 'token.json', base_url, token_url: `${base_url}/token`, refresh: true };
    const [cwd, memory] = [folderWith(tokenFile(-HOUR)), new Map<string, number>()];
    for (let run = 0; run < 3; run++)
      expect(await runCheck(gmail, options, { cwd, memory })).toMatchObject({ status: 'healthy' });
    expect(asked).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(asked[0]))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'id',
      client_secret: 'hush',
      refresh_token: '1//hush',
    });
  });

  it.each<[string, Page, string, string]>([
    [
      'revoked',
      answer(400, { error: 'invalid_grant', error_description: 'hush' }),
      'unhealthy',
      'a person must sign in again',
    ],
    ['of an unknown client', answer(401, { error: 'invalid_client' }), 'unhealthy', 'does not know the client'],
    ['asked for too often', answer(429), 'degraded', '429'],
    ['not to be had now', answer(503), 'unhealthy', '503'],
    ['not in the answer', {}, 'unknown', 'without a token'],
  ])('tells of a refresh token that is %s', async (_, page, status, says) => {
    const result = await ask({ '/token': page, [ME]: profile }, tokenFile(-HOUR), { refresh: true });
    expect(result).toMatchObject({ status, message: expect.stringContaining(says) });
  });

  it('sees an API that fails every now and then', async () => {
    const memory = new Map<string, number>();
    for (let run = 0; run < 2; run++) await ask({ [ME]: answer(500) }, tokenFile(HOUR), {}, memory);
    for (let run = 0; run < 7; run++) await ask({ [ME]: profile }, tokenFile(HOUR), {}, memory);
    expect(await ask({ [ME]: profile }, tokenFile(HOUR), {}, memory)).toMatchObject({
      status: 'degraded',
      message: '2 of the last 10 questions failed',
    });
  });

  it('is unhealthy when nobody answers, or not in time', async () => {
    const token_file = join(folderWith(tokenFile(HOUR)), 'token.json');
    await expectAbsentAndSlow(gmail, (base_url) => ({ token_file, base_url }));
  });

  it('shows its secrets to no other server than the one that it was told of', async () => {
    const bodies: string[] = [];
    const other = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.end('{"access_token":"x","expires_in":3600}'));
    });
    const token_url = await serve((_request, response) => response.writeHead(307, { location: other }).end());
    const result = await ask({}, tokenFile(-HOUR), { refresh: true, token_url });
    expect(result).toMatchObject({ status: 'unhealthy', message: expect.stringContaining('another server') as string });
    expect(bodies).toEqual([]);
  });
});
