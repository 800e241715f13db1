import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { examineHung, type Hung } from '../../src/crashes/index.ts';
import { treeOf } from '../../src/drivers/index.ts';
import { tempFolder, until } from '../support/temp.ts';

const LONG_MS = 20_000;

/** A process that has written `ready` to a file and hangs from then on. */
async function hanging(command: string, ...args: string[]): Promise<number> {
  const ready = join(tempFolder(), 'ready');
  const env = { PATH: process.env['PATH'], PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'], READY: ready };
  const child = spawn(command, args, { env, stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'));
  await until('a process that hangs', () => {
    try {
      return readFileSync(ready, 'utf8') !== '';
    } catch {
      return false;
    }
  });
  return child.pid!;
}

/** A port of its own: the usual one may be in use on this machine. */
const hangingNode = (script: string, ...flags: string[]) => {
  const program = join(tempFolder(), 'agent.mjs');
  writeFileSync(program, `import { writeFileSync } from 'node:fs';\n${script}`);
  return hanging(process.execPath, '--inspect-port=0', ...flags, program);
};
const NOW = "writeFileSync(process.env.READY, 'x')";
const framesOf = ({ node }: Hung) => (node && 'frames' in node ? node.frames : node);

describe.runIf(process.platform === 'linux')('a Node process that hangs', () => {
  it.each([
    { what: 'a loop without end', body: 'for (;;) Math.sqrt(2);', state: 'running' },
    {
      what: 'a lock that nobody opens',
      body: 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
      state: 'sleeping',
    },
  ])('in $what is shown with the function that it hangs in', async ({ body, state }) => {
    const pid = await hangingNode(
      `function stuck() {\n ${NOW};\n ${body}\n}\nfunction plan() { stuck(); }\nsetTimeout(plan);`,
    );
    const hung = await examineHung([pid], LONG_MS);
    const frames = framesOf(hung);
    expect(frames).toEqual(expect.arrayContaining([expect.stringMatching(/^at plan \(\/.*agent\.mjs:6:\d+\)$/)]));
    expect(frames).toEqual(expect.arrayContaining([expect.stringMatching(/^at stuck \(\/.*agent\.mjs:4:\d+\)$/)]));
    expect(hung.node).toMatchObject({ pid, heap: { heap_used_mb: expect.any(Number) } });
    expect(hung.processes).toMatchObject([
      { pid, threads: expect.arrayContaining([expect.objectContaining({ state })]) },
    ]);
  });

  it('in the middle of nothing is shown with what it waits for', async () => {
    const pid = await hangingNode(`setInterval(() => {}, 1e6); setTimeout(() => ${NOW}, 50);`);
    const { node, processes } = await examineHung([pid], LONG_MS);
    expect(node).toMatchObject({ frames: [], waitsFor: expect.arrayContaining(['Timeout']) });
    expect(processes[0]?.threads[0]).toMatchObject({ id: pid, state: 'sleeping' });
  });

  it('outside of JavaScript is shown with what it has started, and takes no longer than allowed', async () => {
    const pid = await hangingNode(
      `import { execSync } from 'node:child_process';\nexecSync('echo x > "$READY"; exec sleep 1000');`,
    );
    const started = performance.now();
    const { node } = await examineHung([pid], 200);
    expect(performance.now() - started).toBeGreaterThan(150);
    expect(node).toMatchObject({ pid, why: expect.stringContaining('it opened no inspector in time') });
  });

  it('and was stopped is not waited for', async () => {
    const pid = await hangingNode(`${NOW}; setInterval(() => {}, 1e6);`);
    process.kill(pid, 'SIGSTOP');
    await until('a process at rest', () => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') T '));
    const { node, processes } = await examineHung([pid], LONG_MS);
    expect(node).toEqual({ pid, why: 'it was stopped' });
    expect(processes[0]?.threads[0]?.state).toBe('stopped');
  });

  it('and does not let itself be asked is not ended by the question', async () => {
    const pid = await hangingNode(`${NOW}; setInterval(() => {}, 1e6);`, '--disable-sigusr1');
    const { node, processes } = await examineHung([pid], 100);
    expect(node === null || 'why' in node).toBe(true);
    expect(processes[0]?.command).toContain('--disable-sigusr1');
    expect(() => process.kill(pid, 0)).not.toThrow();
  });

  it.each(['<html>It works!</html>', '', '[{"webSocketDebuggerUrl": "http://nowhere"}]'])(
    'is not taken for its inspector when a port that it opens answers %j',
    async (answer) => {
      const serve = `createServer((_, response) => response.end(${JSON.stringify(answer)})).listen(0, '127.0.0.1')`;
      const pid = await hangingNode(
        `import { createServer } from 'node:http';\nprocess.on('SIGUSR1', () => ${serve});\n${NOW}; setInterval(() => {}, 1e6);`,
      );
      const { node } = await examineHung([pid], 500);
      expect(node).toMatchObject({ pid, why: expect.any(String) });
    },
  );

  it('is shown with the connections of all its processes', async () => {
    const program = join(tempFolder(), 'agent.cjs');
    const inner = `require('net').createServer().listen(0, '127.0.0.1', () => { require('fs').writeFileSync(process.env.READY, 'x'); for (;;); })`;
    const outer = `require('net').createServer().listen(0, '127.0.0.1', () => require('child_process').execFileSync(process.execPath, ['--inspect-port=0', '-e', ${JSON.stringify(inner)}]))`;
    writeFileSync(program, outer);
    const pid = await hanging(process.execPath, '--inspect-port=0', program);
    const { resources } = await examineHung(treeOf(pid), 0);
    expect(resources.filter((line) => /^Connection: 127\.0\.0\.1:\d+ listens$/.test(line))).toHaveLength(2);
  });

  it('is found behind a shell', async () => {
    const program = join(tempFolder(), 'agent.cjs');
    writeFileSync(program, "require('fs').writeFileSync(process.env.READY, 'x'); for (;;);");
    const shell = await hanging('sh', '-c', `${process.execPath} --inspect-port=0 ${program}; true`);
    const { node, processes } = await examineHung(treeOf(shell), LONG_MS);
    expect(processes.map(({ command }) => command[0])).toEqual(['sh', process.execPath]);
    expect(node).toMatchObject({ frames: expect.arrayContaining([expect.stringContaining('agent.cjs')]) });
  });
});

const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout?.trim();

describe.runIf(process.platform === 'linux' && python)('a Python process that hangs', () => {
  it.each([
    {
      what: 'a lock',
      script: 'import threading\nl = threading.Lock(); l.acquire(); l.acquire()',
      thread: { state: 'sleeping', call: 'futex', waitsIn: expect.stringMatching(/futex/) },
    },
    {
      what: 'a read from a pipe',
      script: 'sys.stdin.read()',
      thread: { state: 'sleeping', call: expect.stringMatching(/^(read|recvfrom) of (pipe|socket):/) },
    },
    { what: 'a loop', script: 'while True: pass', thread: { state: 'running' } },
  ])('in $what is shown with the state that the kernel has it in', async ({ script, thread }) => {
    const ready = 'import os, sys\nopen(os.environ["READY"], "w").write("x")\n';
    const pid = await hanging(python!, '-c', `${ready}${script}`);
    const hung = await until('its state', async () => {
      const { processes, node } = await examineHung([pid], 0);
      expect(node).toBeNull();
      const found = processes[0]?.threads[0];
      return thread.state === found?.state && (thread.state === 'running' || found.call !== null) ? found : undefined;
    });
    expect(hung).toMatchObject(thread);
  });
});

describe('a process that has gone', () => {
  it('leaves nothing to be seen', async () => {
    const { pid } = spawnSync('true');
    expect(await examineHung([pid], LONG_MS)).toEqual({
      processes: [{ pid, command: [], threads: [], kernelStack: [] }],
      node: null,
      resources: [],
    });
  });
});
