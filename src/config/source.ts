import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { failure, sentenceOf, systemCode } from '../errors.ts';
import { DEFAULT_FILE, DEFAULT_STATE_DIR } from './defaults.ts';
import { parseTree } from './parse.ts';
import type { Surroundings } from './references.ts';
import { child } from './tree.ts';

/** A folder stands for the `paramedic.yaml` inside. */
const fileIn = (given: string): string =>
  statSync(given, { throwIfNoEntry: false })?.isDirectory() ? join(given, DEFAULT_FILE) : given;

/** @throws CONFIG_INVALID when there is no such file, or it may not be read. */
export function readConfigFile(given: string): { file: string; text: string } {
  const file = fileIn(given);
  try {
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    const why =
      systemCode(error) === 'ENOENT'
        ? 'no such file; name another one with --config'
        : `cannot be read: ${sentenceOf(error)}`;
    throw failure('CONFIG_INVALID', { problems: [`${file}: ${why}`] }, { cause: error });
  }
}

/**
 * The state folder that a file names, also when the rest of it is wrong: a bad edit must not keep anyone from
 * asking the daemon that runs.
 * @throws CONFIG_INVALID when the file, or a variable in `state_dir`, cannot be read.
 */
export function stateDirOf(given: string, env: Surroundings['env'] = process.env): string {
  const { file, text } = readConfigFile(given);
  const folder = resolve(dirname(file));
  const { root, problems, position } = parseTree(text, { env, folder });
  const unread = problems.find(({ path }) => path === 'state_dir');
  if (unread) {
    const { line, col } = position(unread.at);
    throw failure('CONFIG_INVALID', { problems: [`${file}:${line}:${col} ${unread.path}: ${unread.sentence}`] });
  }
  const node = child(root, 'state_dir');
  const named = node?.is === 'scalar' && typeof node.value === 'string' && node.value !== '';
  return resolve(folder, named ? String(node.value) : DEFAULT_STATE_DIR);
}
