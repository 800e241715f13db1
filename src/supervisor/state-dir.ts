import { join } from 'node:path';
import { failure, sentenceOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';

/** Folders of a state folder. */
export interface StatePaths {
  readonly root: string;
  readonly db: string;
  readonly logs: string;
  readonly crashes: string;
  readonly checkpoints: string;
  readonly tokens: string;
}

/** The folders of a state folder, made where they are missing. @throws STATE_DIR_UNUSABLE */
export function openStateDir(root: string): StatePaths {
  const inside = (name: string) => join(root, name);
  const [db, logs, crashes] = [inside('db'), inside('logs'), inside('crashes')];
  const paths = { root, db, logs, crashes, checkpoints: inside('checkpoints'), tokens: inside('tokens') };
  try {
    for (const folder of Object.values(paths)) makeFolder(folder);
  } catch (error) {
    throw failure('STATE_DIR_UNUSABLE', { folder: root, why: sentenceOf(error) }, { cause: error });
  }
  return paths;
}
