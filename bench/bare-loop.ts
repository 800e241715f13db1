import { spawn } from 'node:child_process';

/*
 * The lower bound: the least that a Node supervisor can do. It starts a program again whenever it ends; no delay,
 * no output, no memory. Usage: node bare-loop.ts PROGRAM ARGUMENTS…
 */
const [program = '', ...args] = process.argv.slice(2);
let stopping = false;
let child = start();

function start() {
  const started = spawn(program, args, { stdio: 'ignore' });
  started.on('exit', () => {
    if (!stopping) child = start();
  });
  return started;
}

process.on('SIGTERM', () => {
  stopping = true;
  child.kill('SIGKILL');
});
