import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { standIn } from './stand-in.ts';

const folder = resolve(import.meta.dirname, '../../examples/python');

/**
 * A program on the Python client, with a stand-in for its daemon; ended with the test.
 * @param program after `import paramedic`; `say(…)` tells the test something, as JSON.
 */
export async function python(program: string, answer?: Parameters<typeof standIn>[0]) {
  const daemon = await standIn(answer);
  const { PATH = '', PARAMEDIC_TEST = '' } = process.env;
  const child = spawn('python3', ['-B', '-c', PRELUDE + program], {
    env: {
      PATH,
      PARAMEDIC_TEST,
      PYTHONPATH: folder,
      PARAMEDIC_URL: daemon.url,
      PARAMEDIC_TOKEN: 'secret',
      PARAMEDIC_COMPONENT: 'planner',
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const said: unknown[] = [];
  let errors = '';
  createInterface(child.stdout).on('line', (line) => said.push(JSON.parse(line)));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = new Promise<void>((settle) => child.once('close', () => settle()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { ...daemon, said, errors: () => errors, exited, tell: (line: string) => child.stdin.write(`${line}\n`) };
}

const PRELUDE = `
import json, sys, threading
import paramedic

def say(what):
    print(json.dumps(what), flush=True)

`;
