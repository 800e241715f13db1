import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock } from '../../src/storage/lock.ts';
import { tempFolder, until } from '../support/temp.ts';

/** Another process that holds the lock, with a child of its own; resolves once it does. */
async function holder(file: string): Promise<{ kill: () => Promise<void>; grandchild: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lock-holder.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = () => {
    child.kill('SIGKILL');
    return exited;
  };
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [, pid] = await until('the other process has the lock', () => /held (\d+)/.exec(output) ?? false);
  const grandchild = Number(pid);
  onTestFinished(async () => {
    await kill();
    process.kill(grandchild, 'SIGKILL');
  });
  return { kill, grandchild };
}

describe('the lock of a state folder', () => {
  it('is refused while another process holds it, and free the moment that one is killed', async () => {
    const folder = tempFolder();
    const file = join(folder, 'lock.db');
    const other = await holder(file);
    expect(() => acquireLock(file)).toThrow(expect.objectContaining({ code: 'ALREADY_RUNNING' }));
    expect(() => acquireLock(file)).toThrow(folder);
    await other.kill();
    expect(() => process.kill(other.grandchild, 0)).not.toThrow();
    acquireLock(file).release();
  });

  it('is refused within the same process too, and given up once', () => {
    const file = join(tempFolder(), 'lock.db');
    const lock = acquireLock(file);
    expect(() => acquireLock(file)).toThrow(expect.objectContaining({ code: 'ALREADY_RUNNING' }));
    lock.release();
    lock.release();
    acquireLock(file).release();
  });

  it.each([
    { what: 'a folder that is not there', file: () => join(tempFolder(), 'nowhere', 'lock.db') },
    {
      what: 'a file that is no lock',
      file: () => {
        const file = join(tempFolder(), 'lock.db');
        writeFileSync(file, 'x'.repeat(5_000));
        return file;
      },
    },
  ])('is not to be had in $what', ({ file }) => {
    expect(() => acquireLock(file())).toThrow(expect.objectContaining({ code: 'STATE_DIR_UNUSABLE' }));
  });
});
