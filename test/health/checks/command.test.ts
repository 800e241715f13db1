import { describe, expect, it } from 'vitest';
import { command } from '../../../src/health/checks/command.ts';
import { tempFolder, until } from '../../support/temp.ts';
import { context } from '../context.ts';

const node = (script: string) => [process.execPath, '-e', script];
const run = (options: unknown, overrides = {}) => command.run(command.options.parse(options), context(overrides));
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('command check', () => {
  it('is healthy with exit 0 and tells the last line of output', async () => {
    const result = await run({ command: node('console.log("first"); console.log("OK - 3 jobs")') });
    expect(result).toMatchObject({ status: 'healthy', message: 'OK - 3 jobs' });
  });

  it('is unhealthy with any other exit, or a signal', async () => {
    expect(await run({ command: node('console.error("no disk"); process.exit(2)') })).toMatchObject({
      status: 'unhealthy',
      message: 'exit 2: no disk',
    });
    expect(
      await run({ command: node('process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 9e3)') }),
    ).toMatchObject({
      status: 'unhealthy',
      message: 'ended by SIGTERM',
    });
  });

  it('takes other exits as well when told so', async () => {
    expect(await run({ command: node('process.exit(3)'), expect_exit: [1, 3] })).toMatchObject({ status: 'healthy' });
    expect(await run({ command: node(''), expect_exit: 1 })).toMatchObject({ status: 'unhealthy' });
  });

  it('says what could not be started', async () => {
    expect((await run({ command: ['/no/such/program'] })).message).toContain('could not start "/no/such/program"');
    const inFolder = async (cwd: string) => (await run({ command: node('') }, { cwd })).message;
    expect(await inFolder('/no/such/folder')).toContain('its working folder /no/such/folder does not exist');
    expect(await inFolder('/dev/null')).toContain('its working folder /dev/null is not a folder');
  });

  it('starts in the folder of the component and without the secrets of the daemon', async () => {
    process.env['PARAMEDIC_SECRET'] = 'hush';
    const cwd = tempFolder();
    const { message } = await run(
      { command: node('console.log(process.cwd(), process.env.PARAMEDIC_SECRET)') },
      { cwd },
    );
    delete process.env['PARAMEDIC_SECRET'];
    expect(message).toBe(`${cwd} undefined`);
  });

  it('keeps only the end of a flood', async () => {
    const { message } = await run({
      command: node('process.stdout.write("x".repeat(5e6)); console.log("\\nthe end")'),
    });
    expect(message).toBe('the end');
  });

  it.skipIf(process.platform === 'win32')('kills what it has started with its whole group', async () => {
    const abort = new AbortController();
    const pids: number[] = [];
    const file = `${tempFolder()}/pids`;
    const script = `const c = require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60e3)'], {stdio: 'inherit'});
      require('node:fs').writeFileSync(${JSON.stringify(file)}, process.pid + ' ' + c.pid); setTimeout(() => {}, 60e3)`;
    const { readFile } = await import('node:fs/promises');
    const result = run({ command: node(script) }, { signal: abort.signal });
    await until('both have started', async () => {
      const text = await readFile(file, 'utf8').catch(() => '');
      pids.splice(0, 2, ...text.split(' ').filter(Boolean).map(Number));
      return pids.length === 2;
    });
    abort.abort(new Error('too late'));
    expect(await result).toMatchObject({ status: 'unhealthy', message: 'ended by SIGKILL' });
    await until('both have gone', () => !pids.some(lives));
  });

  it.skipIf(process.platform === 'win32')('does not wait for a program left behind that holds its output', async () => {
    const started = performance.now();
    const result = await run({ command: ['/bin/sh', '-c', 'sleep 60 & echo $!'] });
    expect(result.status).toBe('healthy');
    expect(performance.now() - started).toBeLessThan(30_000);
    await until('what was left behind has gone', () => !lives(Number(result.message)));
  });
});
