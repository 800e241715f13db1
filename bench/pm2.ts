import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folder, isAlive, pm2, starts, until } from './harness.ts';

/** PM2's daemon on a folder of its own, under the Node that runs us, with copies of one program. */
export class Pm2 {
  readonly #folder = folder();
  readonly log = join(this.#folder.path, 'pm2.starts');
  readonly #env = { ...process.env, PM2_HOME: join(this.#folder.path, 'pm2') };

  async start(program: string, copies: number): Promise<void> {
    const apps = Array.from({ length: copies }, (_, index) => ({
      name: `victim-${index}`,
      script: program,
      args: [this.log],
      interpreter: 'none',
      cwd: this.#folder.path,
    }));
    const file = join(this.#folder.path, 'ecosystem.json');
    writeFileSync(file, JSON.stringify({ apps }));
    this.#call('start', file);
    await until(`${copies} starts by PM2`, () => starts(this.log).length >= copies);
  }

  get pid(): number {
    return Number(readFileSync(join(this.#env.PM2_HOME, 'pm2.pid'), 'utf8'));
  }

  /** Ends the daemon, and by their pids those of its children that it leaves. */
  remove(): void {
    this.#call('kill');
    for (const { pid } of starts(this.log)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    this.#folder.remove();
  }

  #call(...args: string[]): void {
    execFileSync(process.execPath, [pm2(), ...args], { env: this.#env, stdio: 'ignore' });
  }
}
