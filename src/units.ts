import { z } from 'zod';

export { formatDuration, formatSize } from './format.ts';

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const SIZE = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/;
const PERCENT = /^(\d+(?:\.\d+)?)%$/;

/** `250ms`, `5s`, `1h` … or a number of seconds, as milliseconds; undefined when it is none of them. */
export function parseDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value * 1_000 : undefined;
  const [, amount, unit] = DURATION.exec(value) ?? [];
  if (amount !== undefined && unit !== undefined) return Number(amount) * MS[unit as keyof typeof MS];
  return /^\d+(?:\.\d+)?$/.test(value) ? Number(value) * 1_000 : undefined;
}

/** `64KiB`, `1GiB` … or a number of bytes. */
export function parseSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? value : undefined;
  const [, amount, unit] = SIZE.exec(value) ?? [];
  if (amount !== undefined && unit !== undefined) return Math.round(Number(amount) * BYTES[unit as keyof typeof BYTES]);
  return /^\d+$/.test(value) ? Number(value) : undefined;
}

/** `0.95` or `95%`, as a ratio from 0 on. */
export function parseRatio(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined;
  const [, percent] = PERCENT.exec(value) ?? [];
  if (percent !== undefined) return Number(percent) / 100;
  return /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : undefined;
}

/** What a number is measured in; the reference page, the JSON Schema and `config show` ask for it. */
export type Unit = 'duration' | 'size' | 'ratio';
/** The schemas made by `duration()`, `size()` and `ratio()`, also after `.describe()`. */
export const units = z.registry<{ unit: Unit }>();

/** A schema for text with a unit or a plain number; the expectation is what a person reads when it fails. */
function quantity(parse: (value: string | number) => number | undefined, expectation: string) {
  return z.union([z.string(), z.number()], { error: () => `expected ${expectation}` }).transform((value, context) => {
    const parsed = parse(value);
    if (parsed !== undefined) return parsed;
    context.issues.push({ code: 'custom', input: value, message: `expected ${expectation}` });
    return z.NEVER;
  });
}

/** Milliseconds, from `250ms`, `5s`, `10m`, `1h`, `7d` or a number of seconds. */
export const duration = () =>
  quantity(parseDuration, 'a duration such as 250ms, 5s, 10m, 1h, 7d or a number of seconds').register(units, {
    unit: 'duration',
  });
/** Bytes, from `64KiB`, `1GiB` or a number of bytes. */
export const size = () =>
  quantity(parseSize, 'a size such as 64KiB, 1GiB or a number of bytes').register(units, { unit: 'size' });
/** A ratio, from `0.95` or `95%`. */
export const ratio = () => quantity(parseRatio, 'a ratio such as 0.95 or 95%').register(units, { unit: 'ratio' });

/** The shortest text that reads back as exactly this number: `90s`, `5m`, `10MiB`, `10%`. */
export function writeUnit(unit: Unit, value: number): string {
  if (unit === 'ratio') {
    const percent = `${Number((value * 100).toPrecision(12))}%`;
    return parseRatio(percent) === value ? percent : String(value);
  }
  const scale = unit === 'duration' ? MS : BYTES;
  const whole = Object.entries(scale).filter(([, one]) => value >= one && value % one === 0);
  const [name, one] = whole.toSorted(([, a], [, b]) => b - a)[0] ?? (unit === 'duration' ? ['ms', 1] : ['B', 1]);
  return `${value / one}${name}`;
}
