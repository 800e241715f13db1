/* Numbers and times for people. Apart from `units.ts`, which needs zod: the command line must start fast. */

/** Wall time for people and programs: ISO 8601 in UTC. */
export const iso = (at: number): string => new Date(at).toISOString();

/** `5s`, `1m 30s`, `250 ms`: for people. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Math.round(ms / 100) / 10}s`;
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const;
  let rest = Math.round(ms / 1_000) * 1_000;
  const parts: string[] = [];
  for (const [name, length] of units) {
    const count = Math.floor(rest / length);
    if (count > 0 && parts.length < 2) parts.push(`${count}${name}`);
    rest -= count * length;
  }
  return parts.join(' ');
}

/** `1.5 MiB`: for people. */
export function formatSize(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1_024) return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1_024;
  }
  return `${value.toFixed(1)} TiB`;
}

/**
 * What others have written, as one line for people: white space and control characters (a terminal would obey them)
 * become single spaces, and what is longer than `most` is cut.
 */
export function oneLine(text: string, most: number): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
