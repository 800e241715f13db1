import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { configurationPage, jsonSchema } from '../src/config/index.ts';
import { eventsPage, metricsPage } from '../src/telemetry/index.ts';
import { errorsPage } from './errors-page.ts';

const ROOT = join(import.meta.dirname, '..');

/** The generated pages: file, text. A test compares what is committed; `npm run docs` writes it anew. */
const pages: readonly (readonly [string, () => string])[] = [
  ['docs/reference/configuration.md', configurationPage],
  ['docs/reference/errors.md', errorsPage],
  ['docs/reference/events.md', eventsPage],
  ['docs/reference/metrics.md', metricsPage],
  ['docs/reference/paramedic.schema.json', () => JSON.stringify(jsonSchema())],
];

/** Each page as it must stand in the repository, formatted like everything else in it. */
export async function generate(): Promise<{ file: string; text: string }[]> {
  const style = await resolveConfig(join(ROOT, 'package.json'));
  return Promise.all(
    pages.map(async ([name, text]) => {
      const file = join(ROOT, name);
      return { file, text: await format(text(), { ...style, filepath: file }) };
    }),
  );
}

if (import.meta.main)
  for (const { file, text } of await generate()) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
