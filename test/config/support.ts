import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig, type LoadedConfig } from '../../src/config/index.ts';
import { ParamedicError } from '../../src/errors.ts';
import { tempFolder } from '../support/temp.ts';

/** Writes a file into a folder of its own. @returns its path. */
export function written(text: string, name = 'paramedic.yaml', folder = tempFolder()): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

export const loaded = (text: string, env: Record<string, string> = {}): LoadedConfig => loadConfig(written(text), env);

/** The problems of a file, with its folder left out; none when it is good. */
export function problemsIn(text: string, env: Record<string, string> = {}, name = 'paramedic.yaml'): string[] {
  const file = written(text, name);
  try {
    loadConfig(file, env);
    return [];
  } catch (error) {
    if (!(error instanceof ParamedicError) || error.code !== 'CONFIG_INVALID') throw error;
    return error.message.split('\n').map((line) => line.replaceAll(file, name));
  }
}
