import { execFileSync } from 'node:child_process';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { file } from '../../../src/health/checks/file.ts';
import { identity } from '../../../src/health/checks/identity.ts';
import { scheduler } from '../../../src/health/checks/scheduler.ts';
import { token } from '../../../src/health/checks/token.ts';
import { askedOnce } from '../../../src/health/file-probe.ts';
import { epochMs } from '../../../src/model/index.ts';
import { tempFolder } from '../../support/temp.ts';
import { context } from '../context.ts';
import { runCheck } from '../serve.ts';

const says = (status: string, words: string) => ({ status, message: expect.stringContaining(words) });

/** A folder with one file, written so long ago. */
function written(content: string, ageMs = 0) {
  const cwd = tempFolder();
  writeFileSync(join(cwd, 'x.txt'), content);
  const then = new Date(Date.now() - ageMs);
  utimesSync(join(cwd, 'x.txt'), then, then);
  return { cwd, look: (options: object) => runCheck(file, { path: 'x.txt', ...options }, { cwd }) };
}

describe('file check', () => {
  it.each([
    ['hello', {}, 'healthy', '5 B'],
    ['hello', { contains: 'ell', matches: '^h.+o$', min_size: 5, max_size: 5 }, 'healthy', '5 B'],
    ['one\ntwo\n', { matches: '^two$' }, 'healthy', '8 B'],
    ['hello', { contains: 'bye' }, 'unhealthy', 'does not contain "bye"'],
    ['hello', { matches: '^ell' }, 'unhealthy', 'does not match /^ell/'],
    ['hello', { min_size: 6 }, 'unhealthy', 'less than 6 B'],
    ['hello', { max_size: 4 }, 'unhealthy', 'more than 4 B'],
    ['', {}, 'unknown', 'empty'],
    ['', { min_size: 0 }, 'healthy', '0 B'],
    ['', { max_age: '1m' }, 'healthy', '0 B'],
  ])('with %j and %j is %s', async (content, options, status, words) => {
    expect(await written(content).look(options)).toMatchObject(says(status, words));
  });

  it('is unhealthy once it is older than it may be, and unknown when its time is in the future', async () => {
    expect(await written('x', 60_000).look({ max_age: '2m' })).toMatchObject({ status: 'healthy' });
    expect(await written('x', 180_000).look({ max_age: '2m' })).toMatchObject(says('unhealthy', 'longer than 2m'));
    expect(await written('x', -3_600_000).look({ max_age: '2m' })).toMatchObject(says('unknown', 'future'));
  });

  it('is unhealthy when it is missing or no file, and never waits for one that nobody writes to', async () => {
    const { cwd } = written('x');
    mkdirSync(join(cwd, 'folder'));
    execFileSync('mkfifo', [join(cwd, 'fifo')]);
    const look = (path: string) => runCheck(file, { path, contains: 'x' }, { cwd });
    expect(await look('absent')).toMatchObject(says('unhealthy', 'does not exist'));
    expect(await look('x.txt/inner')).toMatchObject(says('unhealthy', 'does not exist'));
    expect(await look('folder')).toMatchObject(says('unhealthy', 'is a folder'));
    expect(await look('fifo')).toMatchObject(says('unhealthy', 'no regular file'));
  });

  it('as a heartbeat counts only what was written in the current life', async () => {
    const { cwd } = written('', 10_000);
    const options = file.options.parse({ path: 'x.txt', max_age: '1m', since_start: true });
    const startedAgo = (ms: number) =>
      file.run(options, context({ cwd }, { startedAt: () => epochMs(Date.now() - ms) }));
    expect(await startedAgo(20_000)).toMatchObject({ status: 'healthy' });
    expect(await startedAgo(5_000)).toMatchObject(says('unknown', 'since the start'));
    utimesSync(join(cwd, 'x.txt'), new Date(0), new Date(0));
    expect(await startedAgo(61_000)).toMatchObject(says('unhealthy', 'since the start'));
  });

  it('refuses what cannot be meant', () => {
    expect(file.options.safeParse({ path: 'x', matches: '(' }).success).toBe(false);
    expect(file.options.safeParse({ path: 'x', since_start: true }).success).toBe(false);
  });
});

describe('identity check', () => {
  const stored = (files: Record<string, string>, options: object = {}, ageMs = 0) => {
    const cwd = tempFolder();
    const then = new Date(Date.now() - ageMs);
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(cwd, name), content);
      utimesSync(join(cwd, name), then, then);
    }
    return runCheck(identity, { files: ['SOUL.md', 'identity.json'], ...options }, { cwd });
  };
  const well = { 'SOUL.md': '# Ada', 'identity.json': '{"name": "Ada", "user": {"name": "Bo"}}' };
  const required = ['name', 'user.name'];

  it.each([
    ['all there', well, { required }, 0, 'healthy', '2 files'],
    ['fresh', well, { max_age: '1h' }, 60_000, 'healthy', '2 files'],
    ['old', well, { max_age: '1h' }, 7_200_000, 'unhealthy', 'longer than 1h'],
    ['one missing', { 'SOUL.md': 'x' }, {}, 0, 'unhealthy', 'identity.json does not exist'],
    ['a field missing', { ...well, 'identity.json': '{"name": ""}' }, { required }, 0, 'unhealthy', 'lacks name, user'],
    ['cut off', { ...well, 'identity.json': '{"name": "A' }, {}, 0, 'unhealthy', 'no JSON'],
    ['one empty', { ...well, 'SOUL.md': ' \n' }, {}, 0, 'unknown', 'empty'],
    ['an object with nothing in it', { ...well, 'identity.json': '{}' }, {}, 0, 'unknown', 'holds nothing'],
  ])('%s', async (_, files, options, ageMs, status, words) => {
    expect(await stored(files, options, ageMs)).toMatchObject(says(status, words));
  });
});

describe('a question to a file system that hangs', () => {
  it('is not asked again, and is when it was answered', async () => {
    const answers = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
    let asked = 0;
    const ask = () => askedOnce('stat /hangs', () => answers[asked++]!.promise);
    const both = [ask(), ask()];
    expect(asked).toBe(1);
    answers[0]!.reject(new Error('the server is back'));
    expect(await Promise.allSettled(both)).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    answers[1]!.resolve('there');
    expect(await ask()).toBe('there');
  });
});

describe('a JSON file that is larger than what is read of it', () => {
  it.each([
    [identity, { files: ['x.txt', 'x.json'] }],
    [scheduler, { file: 'x.json' }],
    [token, { path: 'x.json' }],
  ])('is unknown, not damaged (%#)', async (check, options) => {
    const { cwd } = written('x');
    writeFileSync(join(cwd, 'x.json'), JSON.stringify({ name: 'y'.repeat(1_100_000) }));
    expect(await runCheck(check, options, { cwd })).toMatchObject(says('unknown', 'are read'));
  });
});
