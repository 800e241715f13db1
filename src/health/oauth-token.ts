/*
 * What a token file of an OAuth client says, whatever wrote it: Google's libraries (Python's token.json, Node's
 * credentials, `authorized_user`), and the answer of a token endpoint as RFC 6749 has it, stored as it came.
 */

export interface OAuthToken {
  readonly hasAccess: boolean;
  /** When the access token ends, in ms since 1970; null: nothing says so. */
  readonly expiresAt: number | null;
  /** A new access token can be had without a person: a refresh token, and the client's id where the file has its own. */
  readonly refreshable: boolean;
  /** When the refresh token itself ends; null: nothing says so. */
  readonly refreshEndsAt: number | null;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param key dotted path of the token within the file; without it the usual places are looked through.
 * @param writtenAt when the file was written: what `expires_in` counts from, unless the file says when it was made.
 * @returns null: there is no token in it.
 */
export function readOAuthToken(json: unknown, key: string | undefined, writtenAt: number): OAuthToken | null {
  const fields = fieldsAt(json, key);
  if (!fields) return null;
  const { access, refresh } = secretsIn(fields);
  if (access === undefined && refresh === undefined) return null;
  const madeAt =
    timeOf(fields, 'created_at', 'obtained_at', 'issued_at', 'last_refresh') ??
    timeOf(fieldsOf(json) ?? {}, 'last_refresh') ??
    writtenAt;
  const ofGoogle = fields['type'] === 'authorized_user' || 'token_uri' in fields;
  return {
    hasAccess: access !== undefined,
    expiresAt:
      timeOf(fields, 'expiry_date', 'expiry', 'expires_at', 'expiresAt', 'expires_on', 'expires') ??
      spanFrom(madeAt, fields['expires_in']) ??
      (access === undefined ? null : expiryOfJwt(access)),
    refreshable: refresh !== undefined && (!ofGoogle || textOf(fields, 'client_id') !== undefined),
    refreshEndsAt: spanFrom(madeAt, fields['refresh_token_expires_in']) ?? timeOf(fields, 'refresh_token_expires_at'),
  };
}

/** The secrets themselves, for whoever must show them to the service that they are for. Never to be told. */
export interface OAuthSecrets {
  readonly access: string | undefined;
  readonly refresh: string | undefined;
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
  /** The token endpoint that the file names. */
  readonly tokenUrl: string | undefined;
}

/** What `readOAuthToken` tells of, from the same places. */
export function readOAuthSecrets(json: unknown, key: string | undefined): OAuthSecrets {
  const fields = fieldsAt(json, key) ?? {};
  return {
    ...secretsIn(fields),
    clientId: textOf(fields, 'client_id'),
    clientSecret: textOf(fields, 'client_secret'),
    tokenUrl: textOf(fields, 'token_uri'),
  };
}

const secretsIn = (fields: Fields) => ({
  access: textOf(fields, 'access_token', 'token', 'accessToken', 'access'),
  refresh: textOf(fields, 'refresh_token', 'refreshToken', 'refresh'),
});

const fieldsAt = (json: unknown, key: string | undefined): Fields | null =>
  key === undefined ? findFields(json) : fieldsOf(dig(json, key));

/** The object itself, or the one below the names that clients use for it. */
function findFields(json: unknown): Fields | null {
  const top = fieldsOf(json);
  if (!top) return null;
  const places = [top, ...['tokens', 'token', 'credentials', 'oauth'].map((name) => fieldsOf(top[name]))];
  return (
    places.find(
      (one) =>
        one && textOf(one, 'access_token', 'accessToken', 'refresh_token', 'refreshToken', 'token') !== undefined,
    ) ?? null
  );
}

const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null;

/** `a.b.c` of an object; undefined when it is not there. */
export const dig = (json: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, name) => fieldsOf(at)?.[name], json);

function textOf(fields: Fields, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if (typeof value === 'string' && value.trim() !== '') return value;
  }
  return undefined;
}

function timeOf(fields: Fields, ...names: string[]): number | null {
  for (const name of names) {
    const time = momentOf(fields[name]);
    if (time !== null) return time;
  }
  return null;
}

/** Seconds or milliseconds since 1970, or a date as text; without a zone it is UTC, as Google's Python library means it. */
export function momentOf(value: unknown): number | null {
  if (typeof value === 'number' || (typeof value === 'string' && /^\d{9,}(?:\.\d+)?$/.test(value))) {
    const number = Number(value);
    if (!(number > 1e8)) return null;
    return number < 1e11 ? number * 1_000 : number;
  }
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d/.test(value)) return null;
  const zoned = /(?:z|[+-]\d\d:?\d\d)$/i.test(value) || !value.includes(':') ? value : `${value}Z`;
  const time = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(time) ? null : time;
}

function spanFrom(madeAt: number, seconds: unknown): number | null {
  const span = typeof seconds === 'string' ? Number.parseFloat(seconds) : seconds;
  return typeof span === 'number' && Number.isFinite(span) ? madeAt + span * 1_000 : null;
}

function expiryOfJwt(token: string): number | null {
  const [, payload] = token.split('.');
  if (payload === undefined || token.split('.').length !== 3) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    return momentOf(fieldsOf(claims)?.['exp']);
  } catch {
    return null;
  }
}
