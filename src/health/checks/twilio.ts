import { z } from 'zod';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { askJson, field, isResult, refusal, under } from '../json-probe.ts';
import { errorRateOptions, judgeRecent, type Recent } from '../recent.ts';
import { httpUrl } from '../http-probe.ts';

const options = z.strictObject({
  account_sid: z
    .string()
    .regex(/^AC\w+$/, { error: () => 'expected the SID of an account: AC and 32 hex digits' })
    .describe('SID of the account.'),
  auth_token: z
    .string()
    .min(1)
    .describe('Token of the account, or secret of `api_key`. Write it as `${NAME}` or `${file:…}`.'),
  api_key: z.string().min(1).optional().describe('SID of an API key that is used instead of the account itself.'),
  base_url: httpUrl().default('https://api.twilio.com').describe('Where the API is.'),
  webhook_url: httpUrl()
    .optional()
    .describe(
      'The page that Twilio calls: it must be there, and answer a GET with anything but 404 or a server error.',
    ),
  recent: z
    .number()
    .int()
    .min(0)
    .max(1_000)
    .default(50)
    .describe('How many of the newest messages and calls are looked at for failures; 0: none.'),
  ...errorRateOptions,
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
});
type Options = z.output<typeof options>;

const FAILED = new Set(['failed', 'undelivered']);
const WENT_WELL = new Set(['delivered', 'sent', 'received', 'read', 'completed', 'in-progress']);

export const twilio = defineCheck({
  kind: 'twilio',
  summary:
    'Healthy while the Twilio account is active, its webhook answers and its messages and calls mostly go through.',
  options,
  async run(limits, context) {
    const account = await accountOf(limits, context);
    if (account.status !== 'healthy') return account;
    const webhook = await webhookOf(limits, context);
    if (webhook) return webhook;
    for (const kind of limits.recent > 0 ? (['Messages', 'Calls'] as const) : []) {
      const recent = await recentOf(kind, limits, context);
      const found = 'status' in recent ? recent : judgeRecent(kind.toLowerCase(), recent, limits);
      if (found) return found;
    }
    return account;
  },
});

function askTwilio(
  { account_sid, auth_token, api_key, base_url, verify_tls }: Options,
  path: string,
  context: CheckContext,
) {
  const user = `${api_key ?? account_sid}:${auth_token}`;
  const headers = { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  return askJson({ url: under(base_url, `/2010-04-01/Accounts/${account_sid}${path}`), headers, verify_tls }, context);
}

async function accountOf(limits: Options, context: CheckContext): Promise<CheckResult> {
  const answer = await askTwilio(limits, '.json', context);
  if (isResult(answer)) return answer;
  const refused = refusal(answer);
  if (refused) return refused;
  const [sid, status] = [field(answer.json, 'sid'), field(answer.json, 'status')];
  if (sid !== limits.account_sid || typeof status !== 'string')
    return unknown(`${answer.shown} answered ${answer.status} without the account`);
  if (status === 'active') return healthy(`the account is active, told in ${answer.ms} ms`);
  if (status === 'suspended') return unhealthy('the account is suspended', 9);
  if (status === 'closed') return unhealthy('the account is closed', 10);
  return unknown('the account is in a state that is not known here');
}

async function webhookOf({ webhook_url, verify_tls }: Options, context: CheckContext): Promise<CheckResult | null> {
  if (webhook_url === undefined) return null;
  const answer = await askJson({ url: webhook_url, verify_tls }, context);
  if (isResult(answer)) return answer;
  const { status, shown } = answer;
  return status === 404 || status >= 500 ? unhealthy(`the webhook: ${shown} answered ${status}`) : null;
}

async function recentOf(
  kind: 'Messages' | 'Calls',
  limits: Options,
  context: CheckContext,
): Promise<Recent | CheckResult> {
  const answer = await askTwilio(limits, `/${kind}.json?PageSize=${limits.recent}`, context);
  // The account itself was just told to be well.
  if (isResult(answer)) return degraded(answer.message);
  const list = field(answer.json, kind.toLowerCase());
  if (answer.status !== 200) return degraded(`${answer.shown} answered ${answer.status}`);
  if (!Array.isArray(list)) return unknown(`${answer.shown} answered 200 without ${kind.toLowerCase()}`);
  const ends = list.map((one) => field(one, 'status'));
  const failures = ends.filter((end) => FAILED.has(String(end))).length;
  return { failures, of: failures + ends.filter((end) => WENT_WELL.has(String(end))).length };
}
