import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { isFileState, lookAtFile, unlessWhole } from '../file-probe.ts';
import { readOAuthToken, type OAuthToken } from '../oauth-token.ts';

const CONTENT_BYTES = 256 * 1_024;

export const tokenFileOptions = {
  key: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Where in the file the token is, as in `profiles.google`; default: at the top or one of the usual places.',
    ),
  warning: duration()
    .default(86_400_000)
    .describe('A token that no refresh can renew, or a refresh token, is degraded so long before its end.'),
  refresh_within: duration()
    .default(86_400_000)
    .describe('A token that has ended for so long, although it could be refreshed, is degraded: nobody refreshes it.'),
};

const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe("JSON file with the token: Google's token.json and credentials, or a token endpoint's answer."),
  ...tokenFileOptions,
});
type Limits = z.output<typeof options>;

export const token = defineCheck({
  kind: 'token',
  summary: 'Healthy while an OAuth token file holds a token that is valid or can be refreshed; nobody is asked.',
  options,
  async run(limits, context) {
    const found = await readTokenFile(limits.path, limits.key, context);
    return 'token' in found ? judgeToken(found.token, context.clock.now(), limits) : found;
  },
});

/** What a token file holds, or what is wrong with it. */
export async function readTokenFile(
  path: string,
  key: string | undefined,
  context: CheckContext,
): Promise<CheckResult | { readonly token: OAuthToken; readonly json: unknown }> {
  const found = await lookAtFile(path, CONTENT_BYTES, context);
  if (!isFileState(found)) return found;
  const cut = unlessWhole(found, CONTENT_BYTES);
  if (cut) return cut;
  let json: unknown;
  try {
    json = JSON.parse(found.text);
  } catch {
    // Not the parser's own words: they quote the file.
    return found.text.trim() === '' ? unknown(`${found.path} is empty`) : unhealthy(`${found.path} is no JSON`);
  }
  const token = readOAuthToken(json, key, found.writtenAt);
  return token ? { token, json } : unknown(`${found.path} holds no token`);
}

/** Never says anything of the token but times. */
export function judgeToken(
  token: OAuthToken,
  now: number,
  limits: Pick<Limits, 'warning' | 'refresh_within'>,
): CheckResult {
  const { hasAccess, expiresAt, refreshable, refreshEndsAt } = token;
  const leftMs = expiresAt === null ? null : expiresAt - now;
  const refreshLeftMs = refreshEndsAt === null ? null : refreshEndsAt - now;
  const renewable = refreshable && (refreshLeftMs === null || refreshLeftMs > 0);
  if (!hasAccess && !renewable) return unhealthy('there is no access token, and none can be had without a person', 8);
  if (leftMs !== null && leftMs <= 0) {
    const ended = `the token ended ${formatDuration(-leftMs)} ago`;
    if (!renewable) return unhealthy(`${ended} and cannot be refreshed`, 8);
    if (-leftMs > limits.refresh_within) return degraded(`${ended}; it can be refreshed, but nobody does`);
    return soonOver('refresh token', refreshLeftMs, limits) ?? healthy(`${ended} and can be refreshed`);
  }
  const over = renewable ? soonOver('refresh token', refreshLeftMs, limits) : soonOver('token', leftMs, limits);
  if (over) return over;
  const until = leftMs === null ? '' : ` for ${formatDuration(leftMs)}`;
  if (!hasAccess) return healthy('a token can be had with the refresh token');
  if (!renewable && leftMs === null)
    return unknown('nothing says how long the token is valid, and it cannot be refreshed');
  return healthy(`the token is valid${until}${renewable ? ' and can be refreshed' : ''}`);
}

const soonOver = (what: string, leftMs: number | null, { warning }: Pick<Limits, 'warning'>): CheckResult | null =>
  leftMs !== null && leftMs < warning
    ? degraded(`the ${what} ends in ${formatDuration(leftMs)}: a person must sign in again`)
    : null;
