import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { engineKinds } from '../../src/model/index.ts';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** All files that are loaded with this one: types are not, and what is imported on use is not yet. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)(?! type)\s[^;]*?from '(\.[^']+)';/gm,
  ))
    loadedWith(join(dirname(file), target), seen);
  return seen;
}

it('loads no engine with a daemon that has processes only', () => {
  const loaded = [...loadedWith(join(SRC, 'daemon.ts'))].map((file) => relative(SRC, file));
  expect(loaded).toContain('drivers/process.ts');
  expect(loaded).toContain('drivers/drivers.ts');
  const engines = [
    ...engineKinds,
    'engine',
    'engine-running',
    'docker-client',
    'docker-address',
    'docker-tls',
    'kubernetes',
  ];
  expect(loaded.filter((file) => engines.some((engine) => file === `drivers/${engine}.ts`))).toEqual([]);
});
