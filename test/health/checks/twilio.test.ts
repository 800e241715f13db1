import { describe, expect, it } from 'vitest';
import { twilio } from '../../../src/health/checks/twilio.ts';
import { answer, expectAbsentAndSlow, runCheck, serve, site, type Page } from '../serve.ts';

const SID = `AC${'0'.repeat(32)}`;
const account = (status: string) => ({ sid: SID, friendly_name: 'Me', status });
const at = (path: string) => `/2010-04-01/Accounts/${SID}${path}`;
const calls = (...all: string[]) => ({ calls: all.map((status) => ({ status })) });
const messages = (...all: string[]) => ({ messages: all.map((status) => ({ status })) });
const well: Record<string, Page> = {
  [at('.json')]: account('active'),
  [at('/Messages.json')]: messages(),
  [at('/Calls.json')]: calls(),
};
const many = (count: number, status: string) => Array.from({ length: count }, () => status);
const ask = async (pages: Record<string, Page>, options = {}) =>
  runCheck(twilio, { account_sid: SID, auth_token: 'hush-hush', base_url: await serve(site(pages)), ...options });

describe('twilio check', () => {
  it.each<[string, Record<string, Page>, string, string]>([
    ['well', {}, 'healthy', 'the account is active'],
    ['suspended', { [at('.json')]: account('suspended') }, 'unhealthy', 'suspended'],
    ['closed', { [at('.json')]: account('closed') }, 'unhealthy', 'closed'],
    ['in another state', { [at('.json')]: account('dreaming') }, 'unknown', 'not known here'],
    ['the token is refused', { [at('.json')]: answer(401) }, 'unhealthy', 'answered 401'],
    ['too many requests', { [at('.json')]: answer(429) }, 'degraded', '429'],
    ['broken', { [at('.json')]: answer(500) }, 'unhealthy', '500'],
    ['nothing', { [at('.json')]: {} }, 'unknown', 'without the account'],
    [
      "somebody else's account",
      { [at('.json')]: { ...account('active'), sid: 'AC1' } },
      'unknown',
      'without the account',
    ],
    [
      'some messages do not go through',
      { [at('/Messages.json')]: messages(...many(8, 'delivered'), 'failed', 'undelivered', 'queued') },
      'degraded',
      '2 of the last 10 messages failed',
    ],
    [
      'calls do not go through',
      { [at('/Calls.json')]: calls(...many(4, 'completed'), ...many(3, 'failed'), 'busy') },
      'unhealthy',
      '3 of the last 7 calls failed',
    ],
    ['no list', { [at('/Calls.json')]: {} }, 'unknown', 'without calls'],
    ['messages are refused', { [at('/Messages.json')]: answer(500) }, 'degraded', 'Messages.json answered 500'],
  ])('%s', async (_, pages, status, says) => {
    const result = await ask({ ...well, ...pages });
    expect(result).toMatchObject({ status, message: expect.stringContaining(says) });
    expect(result.message).not.toContain('hush');
  });

  it('asks as the account, or with an API key, by basic authentication', async () => {
    const seen: string[] = [];
    const pages = {
      ...well,
      [at('.json')]: (request: { headers: Record<string, unknown> }) => {
        seen.push(Buffer.from(String(request.headers['authorization']).replace('Basic ', ''), 'base64').toString());
        return { status: 200, json: account('active') };
      },
    };
    await ask(pages, { recent: 0 });
    await ask(pages, { recent: 0, api_key: 'SK1' });
    expect(seen).toEqual([`${SID}:hush-hush`, 'SK1:hush-hush']);
  });

  it('looks whether the page that Twilio calls is there', async () => {
    const hook = await serve(site({ '/sms': answer(403), '/broken': answer(502) }));
    expect(await ask(well, { webhook_url: `${hook}/sms` })).toMatchObject({ status: 'healthy' });
    expect(await ask(well, { webhook_url: `${hook}/broken` })).toMatchObject({ status: 'unhealthy' });
    expect(await ask(well, { webhook_url: `${hook}/gone` })).toMatchObject({
      status: 'unhealthy',
      message: expect.stringContaining('/gone answered 404'),
    });
    expect(await ask(well, { webhook_url: 'http://127.0.0.1:1/' })).toMatchObject({ status: 'unhealthy' });
  });

  it('is unhealthy when nobody answers, or not in time', () =>
    expectAbsentAndSlow(twilio, (base_url) => ({ account_sid: SID, auth_token: 'x', base_url })));
});
