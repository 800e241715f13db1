import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createOutput } from '../../src/drivers/output.ts';
import { componentName, epochMs } from '../../src/model/index.ts';
import { tempFolder, until } from '../support/temp.ts';
import { driverForTest, node, shell } from './support.ts';

const worker = componentName('worker');

function outputForTest(folder = tempFolder()) {
  let ahead = 0;
  const clock = { ...systemClock, now: () => epochMs(Date.now() + ahead) };
  /** Lets so much wall time have gone by. */
  const at = (ms: number) => (ahead = ms);
  const problems: string[] = [];
  const output = createOutput({ folder, clock, onProblem: (what) => problems.push(what) });
  onTestFinished(() => output.close());
  const path = join(folder, 'worker', 'stdout.log');
  /** Empty while a rotation under way has moved it. */
  const read = (suffix = '') => (existsSync(path + suffix) ? readFileSync(path + suffix, 'latin1') : '');
  const rotated = () => until('an empty file', () => statSync(path).size === 0);
  return { at, output, folder, path, problems, read, rotated };
}

describe('files that are made ahead', () => {
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  const policy = { max_size: 1_000, keep: 1, gzip: false };

  it('are there before the first life, for nobody else to read, and what they hold stays', async () => {
    const { output, folder, path, read } = outputForTest();
    await output.prepare(worker);
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(['stderr.log', 'stdout.log']);
    expect([modeOf(join(folder, 'worker')), modeOf(path)]).toEqual([0o700, 0o600]);
    const { ino } = statSync(path);
    writeSync(output.begin(worker, policy).fds.stdout, 'a life');
    await output.prepare(worker);
    expect(read()).toBe('a life');
    expect(statSync(path).ino).toBe(ino);
  });

  it('are made when they are needed where that did not work, and only then is it told', async () => {
    const { output, folder, problems, read } = outputForTest();
    writeFileSync(join(folder, 'worker'), 'in the way');
    await output.prepare(worker);
    expect(problems).toEqual([]);
    output.begin(worker, policy);
    expect(problems).toEqual(['the output of "worker" is thrown away: its files cannot be opened']);
    rmSync(join(folder, 'worker'));
    writeSync(output.begin(worker, policy).fds.stdout, 'a life');
    expect(read()).toBe('a life');
  });
});

describe('output', () => {
  it('is copied aside at its size and cut off, the newest copies kept', async () => {
    const { output, path, read, rotated } = outputForTest();
    const { fds } = output.begin(worker, { max_size: 5, keep: 2, gzip: false });
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
    output.begin(worker, { max_size: 5, keep: 1, gzip: false });
    writeSync(fds.stdout, '44444');
    await until('fewer copies', () => readdirSync(join(path, '..')).length === 3 && read('.1') === '44444');
  });

  it('is only cut off when no copies are to be kept', async () => {
    const { output, path, rotated } = outputForTest();
    writeSync(output.begin(worker, { max_size: 5, keep: 0, gzip: false }).fds.stdout, 'enough');
    await rotated();
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(['stderr.log', 'stdout.log']);
  });

  it('is any bytes at all', async () => {
    const { output, read, rotated } = outputForTest();
    const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, i) => i % 256));
    writeSync(output.begin(worker, { max_size: 1_024, keep: 1, gzip: false }).fds.stdout, bytes);
    await rotated();
    await until('the copy', () => read('.1') === bytes.toString('latin1'));
  });

  it('is cut off even when it cannot be copied, and that is told once', async () => {
    const { output, path, problems, read, rotated } = outputForTest();
    const { fds } = output.begin(worker, { max_size: 5, keep: 1, gzip: false });
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
    const policy = { max_size: 20, keep: 0, gzip: false };
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
    const policy = { max_size: 8, keep: 1, gzip: false };
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

  it('is compressed when it is to be, the plain copies before it kept and counted', async () => {
    const { output, path, read } = outputForTest();
    const copies = () => readdirSync(join(path, '..')).filter((name) => name.startsWith('stdout.log.'));
    const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, i) => (i * i) % 256));
    const { fds } = output.begin(worker, { max_size: 1_024, keep: 3, gzip: false });
    writeSync(fds.stdout, bytes);
    await until('the plain copy', () => read('.1') === bytes.toString('latin1'));
    for (const others of [['2'], ['2.gz', '3'], ['2.gz', '3.gz']]) {
      const all = ['1.gz', ...others].map((end) => `stdout.log.${end}`);
      output.begin(worker, { max_size: 1_024, keep: 3, gzip: true });
      writeSync(fds.stdout, bytes);
      await until('the next copy, and no more', () => copies().toSorted().join() === all.join());
      expect(gunzipSync(readFileSync(`${path}.1.gz`))).toEqual(bytes);
      expect(statSync(`${path}.1.gz`).mode & 0o777).toBe(0o600);
    }
    output.begin(worker, { max_size: 1_024, keep: 1, gzip: false });
    writeSync(fds.stdout, bytes);
    await until('one copy', () => copies().join() === 'stdout.log.1');
  });

  it('has a whole compressed copy or the plain one, whatever an earlier daemon has left half done', async () => {
    const { output, path, read } = outputForTest();
    const { fds } = output.begin(worker, { max_size: 4, keep: 2, gzip: true });
    writeFileSync(`${path}.1`, 'old');
    writeFileSync(`${path}.1.gz`, gzipSync('old'));
    writeFileSync(`${path}.gzipping`, 'half of i');
    writeSync(fds.stdout, 'new!');
    await until('the new copy', () => read('.1.gz') !== '' && !existsSync(`${path}.1`));
    expect(gunzipSync(readFileSync(`${path}.1.gz`)).toString()).toBe('new!');
    expect(gunzipSync(readFileSync(`${path}.2.gz`)).toString()).toBe('old');
    expect(readdirSync(join(path, '..'))).toHaveLength(4);
  });

  it('keeps the plain copy when it cannot be compressed, and that is told', async () => {
    const { output, path, problems, read } = outputForTest();
    const { fds } = output.begin(worker, { max_size: 4, keep: 1, gzip: true });
    mkdirSync(`${path}.gzipping`);
    writeSync(fds.stdout, 'text');
    await until('the problem', () => problems.length > 0);
    expect(problems).toEqual([expect.stringMatching(/stdout\.log was rotated, but the copy not compressed/)]);
    expect(read('.1')).toBe('text');
  });

  it('is rotated when its first byte is older than it may be, though not while it is empty', async () => {
    const { at, output, path, read, rotated } = outputForTest();
    const hour = 3_600_000;
    const { fds } = output.begin(worker, { max_size: 2 ** 20, max_age: hour, keep: 2, gzip: false });
    at(10 * hour);
    writeSync(fds.stdout, 'young');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(read()).toBe('young');
    at(11 * hour);
    await rotated();
    await until('the copy', () => read('.1') === 'young');
    at(20 * hour);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(readdirSync(join(path, '..'))).toHaveLength(3);
  });

  it('of an earlier daemon is as old as its file, or as the copy it was rotated to', async () => {
    const folder = tempFolder();
    const path = join(folder, 'worker', 'stdout.log');
    mkdirSync(join(path, '..'));
    writeFileSync(path, 'from before');
    const tomorrow = Date.now() + 86_400_000;
    const open = () =>
      outputForTest(folder).output.begin(worker, { max_size: 2 ** 20, max_age: 3_600_000, keep: 1, gzip: false });
    open();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(readFileSync(path, 'utf8')).toBe('from before');
    writeFileSync(`${path}.1`, 'a copy');
    utimesSync(`${path}.1`, tomorrow / 1_000, tomorrow / 1_000);
    const { at, output, read } = outputForTest(folder);
    at(86_400_000);
    output.begin(worker, { max_size: 2 ** 20, max_age: 7_200_000, keep: 1, gzip: false });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(read()).toBe('from before');
    at(86_400_000 + 7_200_000);
    await until('the copy', () => read('.1') === 'from before');
  });

  it('comes whole and in order through rotations, byte for byte, at a pace that lets them follow', async () => {
    const { driver, logsFolder, problems } = driverForTest();
    // Blocks at a steady pace, each with its number and all the bytes there are.
    const script = `const fs = require('node:fs');
      const block = Buffer.alloc(16384, Buffer.from(Array.from({ length: 256 }, (_, i) => i)));
      for (let i = 0; i < 80; i++) {
        block.writeUInt32BE(i);
        fs.writeSync(1, block);
        // Steady where this machine keeps up; where it is busy, no faster than what fills is moved away.
        do Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
        while (fs.fstatSync(1).size >= 327680);
      }
      setInterval(() => {}, 1e6);`;
    const running = await driver.start(node(script, { logs: { max_size: 262_144, keep: 50, gzip: true } }));
    const file = join(logsFolder, 'worker', 'stdout.log');
    // A rotation under way may move a copy between two looks: then there is less than all, and one looks again.
    const bytesOf = (copy: string): Buffer[] => {
      try {
        return existsSync(`${copy}.gz`) ? [gunzipSync(readFileSync(`${copy}.gz`))] : [readFileSync(copy)];
      } catch {
        return [];
      }
    };
    const copies = () => Array.from({ length: 50 }, (_, n) => `${file}.${50 - n}`).flatMap(bytesOf);
    onTestFinished(() => running.kill().then(() => undefined));
    const all = await until('eighty blocks', () => {
      const bytes = Buffer.concat([...copies(), readFileSync(file)]);
      return bytes.length >= 80 * 16_384 && bytes;
    });
    await until('its copies', () => copies().length > 2);
    for (let i = 0; i < 80; i++) {
      const block = all.subarray(i * 16_384, (i + 1) * 16_384);
      expect(block.readUInt32BE()).toBe(i);
      expect(block.subarray(4).every((byte, at) => byte === (at + 4) % 256)).toBe(true);
    }
    expect(problems).toEqual([]);
  });

  it.each([false, true])('does not fill the disk, however fast it comes (gzip: %s)', async (gzip) => {
    const { driver, logsFolder, problems } = driverForTest();
    const max_size = 8 * 2 ** 20;
    const running = await driver.start(shell('exec cat /dev/zero', { logs: { max_size, keep: 2, gzip } }));
    const folder = join(logsFolder, 'worker');
    const bytes = () =>
      readdirSync(folder).map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
    await until('two copies', () => readdirSync(folder).some((name) => name.startsWith('stdout.log.2')));
    const sizes: number[] = [];
    await until('a hundred looks', () => sizes.push(bytes().reduce((sum, size) => sum + size, 0)) > 100);
    expect(running.outputTail('stdout', 10)).toMatch(/^\0{0,10}$/);
    // It has been writing all the while: neither blocked, nor told that the file is too large.
    expect(running.usage()).not.toBeNull();
    await running.kill();
    await driver.close();
    // Three files for each that is kept; this machine may be busy with other tests: hence the median (bench/flood.ts has the peak).
    expect(sizes.toSorted((a, b) => a - b)[50]).toBeLessThan(3 * 3 * max_size);
    for (const name of readdirSync(folder).filter((entry) => /\.\d(\.gz)?$/.test(entry)))
      expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(1.5 * max_size);
    expect(problems.filter((problem) => !/is written to faster than/.test(problem))).toEqual([]);
    expect(problems.length).toBeLessThanOrEqual(1);
  });
});
