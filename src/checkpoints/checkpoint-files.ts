import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { sentenceOf } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import type { CheckpointId, ComponentName } from '../model/index.ts';
import { parseDocument, toDocument, type CheckpointDocument, type DocumentHeader } from './checkpoint-document.ts';
import { plainText, type Cipher } from './cipher.ts';
import { Refusal } from './refusal.ts';
import type { StrayFile } from './state-store.ts';

/** What was found of a checkpoint's file; `why` it cannot be used. */
export type FoundFile = CheckpointDocument | { readonly why: string };

const DRAFT = '.new';
/** Every id that we give; what else somebody asks for is no name of a file. */
const CHECKPOINT_ID = /^CP-[0-9A-Z-]{1,64}$/;

/**
 * Checkpoints of the kind `disk` as files for people and backups, `COMPONENT/CP-….json`, each whole or not there. One
 * that was written for a transaction that then failed is taken away again.
 */
export function createCheckpointFiles(folder: string, cipher: Cipher = plainText) {
  /** Of the transaction at work. */
  const unsettled = new Set<string>();
  /** Folders without drafts that a daemon left which was killed while it wrote them. */
  const swept = new Set<string>();
  const fileOf = (component: ComponentName, id: CheckpointId): string => join(folder, component, `${id}.json`);

  function remove(file: string): void {
    try {
      rmSync(file, { force: true });
    } catch {
      // One that stays takes room, and nothing else.
    }
  }

  /** A folder to write in. */
  function prepare(own: string): void {
    makeFolder(own);
    if (swept.has(own)) return;
    readdirSync(own)
      .filter((name) => name.endsWith(DRAFT))
      .forEach((name) => remove(join(own, name)));
    swept.add(own);
  }

  function read(file: string): FoundFile {
    try {
      return parseDocument(readFileSync(file), cipher);
    } catch (error) {
      return { why: sentenceOf(error) };
    }
  }

  const filesIn = (component: ComponentName): StrayFile[] =>
    namesIn(join(folder, component)).flatMap((name) => {
      const checkpoint_id = name.replace(/\.json$/, '') as CheckpointId;
      const file = fileOf(component, checkpoint_id);
      const size_bytes = statSync(file, { throwIfNoEntry: false })?.size;
      const isOne = name.endsWith('.json') && CHECKPOINT_ID.test(checkpoint_id) && size_bytes !== undefined;
      return isOne ? [{ checkpoint_id, component, file, size_bytes }] : [];
    });

  return {
    fileOf,

    /** On disk when this returns. @throws Refusal STORE_FAILED */
    write(header: DocumentHeader, state: Uint8Array): void {
      const file = fileOf(header.component, header.checkpoint_id);
      const draft = `${file}${DRAFT}`;
      try {
        prepare(dirname(file));
        writeFileSync(draft, toDocument(header, state, cipher), { mode: 0o600, flush: true });
        renameSync(draft, file);
        unsettled.add(file);
        syncFolder(dirname(file));
      } catch (error) {
        remove(draft);
        throw new Refusal({ code: 'STORE_FAILED', parameters: { store: file, why: sentenceOf(error) } });
      }
    },

    /** The transaction is on disk: its files stay. */
    settle: (): void => unsettled.clear(),

    /** The transaction has failed. */
    undo(): void {
      unsettled.forEach(remove);
      unsettled.clear();
    },

    /** Of one component or all, as far as their names say; none of them is read. */
    all(component: ComponentName | null): StrayFile[] {
      return namesIn(folder).flatMap((name) =>
        component === null || name === component ? filesIn(name as ComponentName) : [],
      );
    },

    remove: (component: ComponentName, id: CheckpointId): void => remove(fileOf(component, id)),

    of: (component: ComponentName, id: CheckpointId): FoundFile => read(fileOf(component, id)),

    /** Of whichever component, whether state.db knows it or not; null: there is none. */
    find(id: CheckpointId): FoundFile | null {
      if (!CHECKPOINT_ID.test(id) || !existsSync(folder)) return null;
      for (const component of readdirSync(folder)) {
        const file = fileOf(component as ComponentName, id);
        if (!existsSync(file)) continue;
        const found = read(file);
        const isOurs = 'why' in found || (found.checkpoint_id === id && found.component === component);
        return isOurs ? found : { why: `${file} is the file of another checkpoint` };
      }
      return null;
    },
  };
}
export type CheckpointFiles = ReturnType<typeof createCheckpointFiles>;

/** One that cannot be read hides its own files, and no others. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** So that the name of a new file outlives a power cut, where a system knows how. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // It does not: the file is there all the same.
  }
}
