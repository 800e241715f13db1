import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { breakers } from './breakers.ts';
import { component } from './component.ts';
import { overview } from './overview.ts';

const FOLDER = join(import.meta.dirname, 'json');

export const dashboards = [overview, component, breakers] as const;

/** The files that Grafana reads: a test compares what is committed; `npm run dashboards` writes them anew. */
export async function generate(): Promise<{ file: string; text: string }[]> {
  const style = await resolveConfig(join(import.meta.dirname, '../package.json'));
  return Promise.all(
    dashboards.map(async (dashboard) => {
      const file = join(FOLDER, `${dashboard.uid}.json`);
      return { file, text: await format(JSON.stringify(dashboard), { ...style, filepath: file }) };
    }),
  );
}

if (import.meta.main)
  for (const { file, text } of await generate()) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
