import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes `FOLDER/ID.json` as a whole or not at all, for its owner only. @returns the file. */
export async function storeReport(folder: string, id: string, report: unknown): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${id}.json`);
  const aside = `${file}.tmp`;
  const handle = await open(aside, 'w', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(report, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(aside, file);
  return file;
}
