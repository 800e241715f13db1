import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createOutput } from '../../src/drivers/output.ts';
import { componentName } from '../../src/model/index.ts';
import { tempFolder, until } from '../support/temp.ts';
import { driverForTest, shell } from './support.ts';

const worker = componentName('worker');

function outputForTest() {
  const folder = tempFolder();
  const problems: string[] = [];
  const output = createOutput({ folder, clock: systemClock, onProblem: (what) => problems.push(what) });
  onTestFinished(() => output.close());
  const path = join(folder, 'worker', 'stdout.log');
  /** Empty while a rotation under way has moved it. */
  const read = (suffix = '') => (existsSync(path + suffix) ? readFileSync(path + suffix, 'latin1') : '');
  const rotated = () => until('an empty file', () => statSync(path).size === 0);
  return { output, folder, path, problems, read, rotated };
}

describe('output', () => {
  it('is copied aside at its size and cut off, the newest copies kept', async () => {
    const { output, path, read, rotated } = outputForTest();
    const { fds } = output.begin(worker, { max_size: 5, keep: 2 });
    for (const text of ['11111', '22222', '33333']) {
      writeSync(fds.stdout, text);
      await rotated();
      await until('the copy', () => read('.1') === text);
    }
    expect(read('.2')).toBe('22222');
    expect(readdirSync(join(path, '..')).toSorted()).toEqual([
      'stderr.log',
      'stdout.log',
      'stdout.log.1',
      'stdout.log.2',
    ]);
    output.begin(worker, { max_size: 5, keep: 1 });
    writeSync(fds.stdout, '44444');
    await until('fewer copies', () => readdirSync(join(path, '..')).length === 3 && read('.1') === '44444');
  });

  it('is only cut off when no copies are to be kept', async () => {
    const { output, path, rotated } = outputForTest();
    writeSync(output.begin(worker, { max_size: 5, keep: 0 }).fds.stdout, 'enough');
    await rotated();
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(['stderr.log', 'stdout.log']);
  });

  it('is any bytes at all', async () => {
    const { output, read, rotated } = outputForTest();
    const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, i) => i % 256));
    writeSync(output.begin(worker, { max_size: 1_024, keep: 1 }).fds.stdout, bytes);
    await rotated();
    await until('the copy', () => read('.1') === bytes.toString('latin1'));
  });

  it('is cut off even when it cannot be copied, and that is told once', async () => {
    const { output, path, problems, read, rotated } = outputForTest();
    const { fds } = output.begin(worker, { max_size: 5, keep: 1 });
    mkdirSync(`${path}.rotating`);
    for (let i = 0; i < 2; i++) {
      writeSync(fds.stdout, 'too much');
      await rotated();
    }
    await until('the problem', () => problems.length > 0);
    expect(problems).toEqual([expect.stringMatching(/stdout\.log was truncated without a copy/)]);
    rmSync(`${path}.rotating`, { recursive: true });
    writeSync(fds.stdout, 'again');
    await until('the copy', () => read('.1') === 'again');
    expect(problems).toHaveLength(1);
  });

  it('of a life ends where the next one begins', async () => {
    const { output, rotated } = outputForTest();
    const policy = { max_size: 20, keep: 0 };
    const first = output.begin(worker, policy);
    writeSync(first.fds.stdout, 'first');
    const second = output.begin(worker, policy);
    writeSync(second.fds.stdout, 'second');
    expect(first.tail('stdout', 100)).toBe('first');
    expect(first.tail('stdout', 2)).toBe('st');
    expect(second.tail('stdout', 100)).toBe('second');
    writeSync(second.fds.stdout, '1234567890');
    await rotated();
    writeSync(second.fds.stdout, 'after it');
    await until('what came after', () => second.tail('stdout', 100) === 'after it');
    expect(first.tail('stdout', 100)).toBe('');
  });

  it('of one life is told from that of another also after it was cut off', async () => {
    const { output, rotated } = outputForTest();
    const policy = { max_size: 8, keep: 1 };
    const first = output.begin(worker, policy);
    writeSync(first.fds.stdout, 'old');
    const second = output.begin(worker, policy);
    expect(second.tail('stdout', 100)).toBe('');
    writeSync(first.fds.stdout, '12345');
    await rotated();
    const text = 'later';
    writeSync(second.fds.stdout, text);
    await until('what came after', () => second.tail('stdout', 100) === text);
  });

  it('does not fill the disk, however fast it comes', async () => {
    const { driver, logsFolder, problems } = driverForTest();
    const max_size = 2 ** 20;
    const running = await driver.start(shell('exec cat /dev/zero', { logs: { max_size, keep: 2 } }));
    const folder = join(logsFolder, 'worker');
    await until('two copies', () => readdirSync(folder).includes('stdout.log.2'));
    // The flood began unseen; from now on it is looked at every ten milliseconds.
    const sizes: number[] = [];
    await until('thirty looks', () => sizes.push(statSync(join(folder, 'stdout.log')).size) > 30);
    expect(running.outputTail('stdout', 10)).toMatch(/^\0{0,10}$/);
    await running.kill();
    await driver.close();
    expect(sizes.toSorted((a, b) => a - b)[15]).toBeLessThan(100 * max_size);
    for (const name of readdirSync(folder).filter((entry) => /\.\d$/.test(entry)))
      expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(max_size);
    expect(problems).toEqual([]);
  });
});
