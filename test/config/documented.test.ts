import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { waysToRun } from '../../src/drivers/index.ts';
import { written } from './support.ts';

describe('the page about ways to run a component', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'drivers.md'), 'utf8');
  const examples = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);

  it.each(examples.map((text) => [/^ {4}(\w+):$/m.exec(text)?.[1] ?? '', text]))(
    'has a valid example of %s',
    (_way, text) => {
      expect(() => loadConfig(written(text))).not.toThrow();
    },
  );

  it('has a row for each of them', () => {
    for (const way of waysToRun) expect(page).toContain(`| \`${way}\``);
  });
});
