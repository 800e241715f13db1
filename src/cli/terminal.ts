import { stripVTControlCharacters, styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Coloured on a terminal that wants colours (NO_COLOR), plain everywhere else. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout });

const width = (text: string): number => stripVTControlCharacters(text).length;

/** Columns aligned under their headings, two spaces between them; no space at the end of a line. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings.map((heading) => paint('dim', heading)), ...rows];
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
