/*
 * How systemd 252 reads a value, written from its manual pages (systemd.syntax, "Quoting"; systemd.unit,
 * "Specifiers"), to hold what we write against.
 */

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  s: ' ',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Splits at whitespace outside quotes, undoes quotes and escapes. Throws where systemd would complain. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let [current, quote]: [string | null, string] = [null, ''];
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    if (char === '\\') {
      const next = line.charAt(++at);
      const hex = /^x[\da-f]{2}/.exec(line.slice(at, at + 3))?.[0];
      if (hex !== undefined) at += 2;
      else if (ESCAPES[next] === undefined) throw new Error(`no such escape: \\${next}`);
      current = (current ?? '') + (hex === undefined ? ESCAPES[next] : String.fromCharCode(parseInt(hex.slice(1), 16)));
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else current = (current ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      current ??= '';
    } else if (' \t\n\r'.includes(char)) {
      if (current !== null) words.push(current);
      current = null;
    } else current = (current ?? '') + char;
  }
  if (quote !== '') throw new Error('an open quote');
  if (current !== null) words.push(current);
  return words;
}

/** Replaces specifiers; every one but %% would be something else than was meant. */
export function expand(text: string): string {
  const lone = text.replaceAll('%%', '').includes('%');
  if (lone) throw new Error(`a specifier: ${text}`);
  return text.replaceAll('%%', '%');
}
