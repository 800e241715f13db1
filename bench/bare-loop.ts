import { spawn, type ChildProcess } from 'node:child_process';

/*
 * The lower bound: the least that a Node supervisor can do. It starts a program again whenever it ends; no delay,
 * no output, no memory. Usage: [COPIES=1] node bare-loop.ts PROGRAM ARGUMENTS…
 */
const [program = '', ...args] = process.argv.slice(2);
let stopping = false;
const children = new Set<ChildProcess>();

function start(): void {
  const child = spawn(program, args, { stdio: 'ignore' });
  children.add(child);
  child.on('exit', () => {
    children.delete(child);
    if (!stopping) start();
  });
}

process.on('SIGTERM', () => {
  stopping = true;
  for (const child of children) child.kill('SIGKILL');
});

// After the handler: whoever is ended while it still starts takes its children along.
for (let copy = 0; copy < Number(process.env['COPIES'] ?? 1); copy++) start();
