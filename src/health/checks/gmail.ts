import { z } from 'zod';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { askJson, field, isResult, refusal, under } from '../json-probe.ts';
import { readOAuthSecrets, type OAuthSecrets } from '../oauth-token.ts';
import { errorRateOptions, judgeRecent, remember } from '../recent.ts';
import { judgeToken, readTokenFile, tokenFileOptions } from './token.ts';
import { httpUrl } from '../http-probe.ts';

const options = z.strictObject({
  token_file: z
    .string()
    .min(1)
    .describe("JSON file with the token of the account: Google's token.json or credentials."),
  ...tokenFileOptions,
  refresh: z
    .boolean()
    .default(false)
    .describe(
      'Get a token of its own from the token endpoint when the one in the file has ended. The file stays as it is.',
    ),
  client_id: z.string().min(1).optional().describe('Client that refreshes; default: the one in the file.'),
  client_secret: z
    .string()
    .min(1)
    .optional()
    .describe('Its secret; default: the one in the file. Write it as `${NAME}` or `${file:…}`.'),
  token_url: httpUrl().optional().describe("The token endpoint; default: the one in the file, or else Google's."),
  base_url: httpUrl().default('https://gmail.googleapis.com').describe('Where the Gmail API is.'),
  ...errorRateOptions,
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
});
type Options = z.output<typeof options>;

const GOOGLE = 'https://oauth2.googleapis.com/token';
/** A token that is about to end may have ended when it arrives. */
const EARLY_MS = 60_000;

/** Tokens that a check got for itself, for as long as its memory lives. Nothing else ever sees them. */
const owned = new WeakMap<CheckContext['memory'], { readonly access: string; readonly until: number }>();

export const gmail = defineCheck({
  kind: 'gmail',
  summary: 'Healthy while the token of a Gmail account is valid or can be refreshed, and the API tells its profile.',
  options,
  async run(limits, context) {
    const { memory, clock } = context;
    const found = await readTokenFile(limits.token_file, limits.key, context);
    if (!('token' in found)) return found;
    const state = judgeToken(found.token, clock.now(), limits);
    if (state.status === 'unhealthy') return state;

    const secrets = readOAuthSecrets(found.json, limits.key);
    const { hasAccess, expiresAt } = found.token;
    const lasts = hasAccess && (expiresAt === null || expiresAt > clock.now());
    const access = lasts ? secrets.access : limits.refresh ? await refreshed(secrets, limits, context) : undefined;
    if (access === undefined)
      return state.status === 'healthy'
        ? degraded(`${state.message}; with \`refresh\` the API could be asked`, 2)
        : state;
    if (typeof access !== 'string') return access;

    const asked = await profile(access, limits, context);
    if (asked.status === 'unhealthy') owned.delete(memory);
    const recent = remember(memory, asked.status !== 'unhealthy');
    if (asked.status !== 'healthy') return asked;
    return judgeRecent('questions', recent, limits) ?? (state.status === 'healthy' ? asked : state);
  },
});

async function refreshed(secrets: OAuthSecrets, limits: Options, context: CheckContext): Promise<string | CheckResult> {
  const { memory, clock } = context;
  const own = owned.get(memory);
  if (own && own.until > clock.now()) return own.access;
  const { refresh = '', clientId, clientSecret, tokenUrl } = secrets;
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: limits.client_id ?? clientId ?? '',
    client_secret: limits.client_secret ?? clientSecret ?? '',
    refresh_token: refresh,
  });
  const answer = await askJson(
    {
      url: limits.token_url ?? tokenUrl ?? GOOGLE,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      verify_tls: limits.verify_tls,
    },
    context,
  );
  if (isResult(answer)) return answer;
  const error = field(answer.json, 'error');
  if (error === 'invalid_grant')
    return unhealthy('the refresh token is no longer valid: a person must sign in again', 9);
  if (error === 'invalid_client')
    return unhealthy('the token endpoint does not know the client, or its secret is wrong', 9);
  const refused = refusal(answer);
  if (refused) return refused;
  const [access, seconds] = [field(answer.json, 'access_token'), field(answer.json, 'expires_in')];
  if (typeof access !== 'string' || access === '')
    return unknown(`${answer.shown} answered ${answer.status} without a token`);
  const lastsMs = typeof seconds === 'number' ? seconds * 1_000 : 0;
  owned.set(memory, { access, until: clock.now() + lastsMs - EARLY_MS });
  return access;
}

async function profile(access: string, { base_url, verify_tls }: Options, context: CheckContext): Promise<CheckResult> {
  const url = under(base_url, '/gmail/v1/users/me/profile');
  const answer = await askJson({ url, headers: { authorization: `Bearer ${access}` }, verify_tls }, context);
  if (isResult(answer)) return answer;
  if (answer.status === 403 && isQuota(answer.json)) return degraded(`${answer.shown} answered 403: too many requests`);
  const refused = refusal(answer);
  if (refused) return refused;
  // The address itself is nobody's business.
  if (typeof field(answer.json, 'emailAddress') !== 'string')
    return unknown(`${answer.shown} answered ${answer.status} without a profile`);
  return healthy(`the API told the profile in ${answer.ms} ms`);
}

/** Google says 403 for two things; `reason` tells them apart. */
function isQuota(json: unknown): boolean {
  const errors = field(field(json, 'error'), 'errors');
  return (
    Array.isArray(errors) && errors.some((one) => /RateLimitExceeded|quotaExceeded/i.test(String(field(one, 'reason'))))
  );
}
