const MASK = '***';

/** Names whose values are secrets; counts of tokens (`max_tokens`) are none. */
const NAME = String.raw`(?:token(?![si])|secret|passw(?:or)?d|passphrase|pwd|api[-_]?key|access[-_]?key|private[-_ ]?key|signing[-_]?key|authorization|credential|cookie)`;
const SECRET_NAME = new RegExp(NAME, 'i');
/** Shorter values are words like `yes` that stand everywhere. */
const SHORTEST_LITERAL = 6;

const rules: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?/g, MASK],
  // https://user:pass@host, and a long name alone, which is a token
  [/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s:@/"']{0,256}:[^\s@/"']{1,256}@/gi, `$1${MASK}@`],
  [/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s:@/"']{16,256}@/gi, `$1${MASK}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${MASK}`],
  // name=value, name: value, "name": "value", --name value
  [
    new RegExp(
      String.raw`(?<![\w-])((?:--?)?["']?[\w.-]{0,60}?${NAME}[\w.-]{0,60}["']?\s{0,3}[=:]\s{0,3}|--[\w.-]{0,60}?${NAME}[\w.-]{0,60}\s+)` +
        String.raw`(?!null\b|undefined\b|true\b|false\b|\*\*\*)("(?:[^"\\\n]|\\.){0,4096}"|'(?:[^'\\\n]|\\.){0,4096}'|(?:Bearer|Basic|Token)\s+[^\s,;&"'}\]]+|[^\s,;&"'}\])]+)`,
      'gi',
    ),
    `$1${MASK}`,
  ],
  [/\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}|\bnpm_\w{20,}/g, MASK],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bxox[a-z]-[\w-]{10,}|\bAIza[\w-]{30,}/g, MASK],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g, MASK],
];

/** Hides secrets before anything is written. */
export interface Mask {
  text(text: string): string;
  /** Every text inside, every value whose key names a secret, and the argument that follows `--token`. */
  deep(value: unknown): unknown;
}

/**
 * Makes a mask that knows the well-known shapes of secrets and the values of one environment: those whose variable
 * names a secret are hidden wherever they appear.
 * @param secrets values that are hidden too, whatever they are called.
 */
export function createMask(env: Readonly<Record<string, string>>, secrets: readonly string[] = []): Mask {
  const named = Object.entries(env).flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value] : []));
  const literals = [...named, ...secrets]
    .filter(({ length }) => length >= SHORTEST_LITERAL)
    .toSorted((a, b) => b.length - a.length);
  const text = (original: string) => {
    const known = literals.reduce((masked, literal) => masked.replaceAll(literal, MASK), original);
    return rules.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), known);
  };
  const list = (values: readonly unknown[]) =>
    values.map((value, i) => {
      const before: unknown = values[i - 1];
      const isArgument = typeof before === 'string' && /^--?[\w-]+$/.test(before) && SECRET_NAME.test(before);
      return isArgument && typeof value === 'string' && !value.startsWith('-') ? MASK : deep(value);
    });
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return list(value);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        const isSecret = SECRET_NAME.test(key) && (typeof inner === 'string' || typeof inner === 'number');
        return [text(key), isSecret && inner !== '' ? MASK : deep(inner)];
      }),
    );
  };
  return { text, deep };
}
