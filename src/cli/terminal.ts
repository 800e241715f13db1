import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal that wants colours (NO_COLOR), plain everywhere else. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

/** Colours of ours stay; whatever else a terminal would obey came from outside. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const OBEYED = /(\u001B\[[\d;]*m)|[\p{Cc}\u2028\u2029]+/gu;
const LONGEST_CELL = 160;

/** A cell, a line: nothing in it moves the cursor or breaks the row. */
export const harmless = (text: string): string => text.replaceAll(OBEYED, (_, colour?: string) => colour ?? ' ');

/** Too long for a row: `--json` has the whole. */
const cut = (text: string): string =>
  text.length > LONGEST_CELL && width(text) > LONGEST_CELL ? `${text.slice(0, LONGEST_CELL - 1)}…` : text;

const width = (text: string): number => stripVTControlCharacters(text).length;

/** Columns aligned under their headings, two spaces between them; no space at the end of a line. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cut(harmless(cell))));
  const lines = [headings.map((heading) => paint('dim', heading)), ...cells];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => width(line[column] ?? ''))));
  const pad = (cell: string, column: number) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - width(cell)));
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** The colour of a state or a health status. */
export function tone(word: string): string {
  if (word === 'healthy' || word === 'running') return paint('green', word);
  if (word === 'critical' || word === 'failed' || word === 'unhealthy') return paint('red', word);
  if (word === 'degraded' || word === 'backoff' || word === 'starting' || word === 'stopping')
    return paint('yellow', word);
  return paint('dim', word);
}

/** Shows `text` on a terminal while something takes longer than a second. */
export async function progress<T>(text: string, work: Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return work;
  const started = performance.now();
  const timer = setInterval(() => {
    process.stderr.write(`\r${text} ${Math.round((performance.now() - started) / 1_000)}s`);
  }, 1_000);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (performance.now() - started > 1_000) process.stderr.write('\r\u001B[K');
  }
}

export const printJson = (value: unknown): void => console.log(JSON.stringify(value, null, 2));
