import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs', 'worst-nights.md'), 'utf8');
const rows = [...page.matchAll(/^\| (.+?) +\| .+ \| `(test\/\S+)`: (.+?) +\|$/gm)].map(
  ([, night = '', file = '', title = '']) => ({ night, file, title }),
);

describe('the page of worst nights', () => {
  it('names a test in each of its rows', () => {
    const lines = page.split('\n').filter((line) => line.startsWith('| '));
    expect(rows).toHaveLength(lines.length - 2);
    expect(rows.length).toBeGreaterThan(20);
  });

  it.each(rows)('is right that there is a test of: $night', ({ file, title }) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    expect(["'", '`', '"'].some((quote) => text.includes(`${quote}${title}${quote}`))).toBe(true);
  });
});
