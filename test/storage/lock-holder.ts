import { spawn } from 'node:child_process';
import { acquireLock } from '../../src/storage/lock.ts';

/** Holds the lock until it is killed; its own child lives on. */
acquireLock(process.argv[2] ?? '');
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
process.stdout.write(`held ${child.pid}\n`);
setInterval(() => {}, 1_000);
