import type { ScalarNode } from './tree.ts';

const WORDS = 'token|secret|password|passwd|api[_-]?key|apikey|credential|authorization|private[_-]?key';
const SECRET_NAME = new RegExp(WORDS, 'i');
const HIDDEN = '***';

const URL_PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s/@]+@/gi;
const HEADER = new RegExp(
  `((?:${WORDS}|bearer)[\\w-]*"?(?:: *| +(?=bearer)|(?<=bearer) +))[^\\s"']+( +[^\\s"']+)?`,
  'gi',
);
const ASSIGNMENT = new RegExp(`([\\w.-]*(?:${WORDS})[\\w.-]*=)[^\\s&"']+`, 'gi');
/** What Google and others call it in an address. */
const QUERY_KEY = /([?&](?:key|sig)=)[^\s&#"']+/gi;
const SECRET_OPTION = new RegExp(`^--?[\\w-]*(?:${WORDS})[\\w-]*$`, 'i');

/** A key or variable whose value nobody should read: `token`, `SMTP_PASSWORD`, `apiKey`. */
export const namesSecret = (key: string): boolean => SECRET_NAME.test(key);

/** Hides passwords in addresses, `--token=abc`, `API_KEY=abc` and `Authorization: Bearer abc` inside any text. */
export const maskText = (text: string): string =>
  text
    .replace(URL_PASSWORD, `$1${HIDDEN}@`)
    .replace(ASSIGNMENT, `$1${HIDDEN}`)
    .replace(QUERY_KEY, `$1${HIDDEN}`)
    .replace(HEADER, (_, name: string) => `${name}${HIDDEN}`);

/** A value as everybody may see it. `key` is the key that it, or its list, stands under. */
export function maskScalar(node: ScalarNode, key: string): ScalarNode['value'] {
  if (node.value === null || node.value === '') return node.value;
  if (namesSecret(key)) return HIDDEN;
  if (node.reference) return maskText(node.reference.masked);
  return typeof node.value === 'string' ? maskText(node.value) : node.value;
}

/** A list's values as everybody may see them: also what follows a bare `--token` is hidden. */
export const maskArguments = (values: readonly unknown[]): unknown[] =>
  values.map((value, i) => {
    const before = values[i - 1];
    return typeof before === 'string' && SECRET_OPTION.test(before) ? HIDDEN : value;
  });
