import { spawn } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { faults } from '../../src/chaos/index.ts';
import { sameProcess } from '../../src/drivers/index.ts';
import { identify } from '../../src/drivers/proc.ts';

/** A real process, and how it ends. */
function victim() {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  return { child, ended, identity: identify(child.pid!) };
}

const start = () => Promise.resolve('gmail is ready');

describe.each([...faults])('fault $kind', (fault) => {
  it('has a name and one sentence', () => {
    expect(fault.kind).toMatch(/^[a-z_]+$/);
    expect(fault.summary).toMatch(/^[A-Z].*\.$/);
  });

  it('hits nobody when the pid belongs to another process by now', async () => {
    const { child, identity } = victim();
    const before = { ...identity, startTime: identity.startTime - 1 };
    expect(await fault.inject({ process: before, isStill: sameProcess, start })).toBeNull();
    expect(sameProcess(identity)).toBe(true);
    expect(child.signalCode).toBeNull();
  });

  it('hits nobody when the process has gone', async () => {
    const { child, ended, identity } = victim();
    child.kill('SIGKILL');
    await ended;
    expect(await fault.inject({ process: identity, isStill: sameProcess, start })).toBeNull();
    expect(await fault.inject({ process: identity, isStill: () => true, start })).toBeNull();
  });
});

describe('fault kill', () => {
  it('ends the process, and its undo starts the component again', async () => {
    const { ended, identity } = victim();
    const undo = await faults.get('kill')!.inject({ process: identity, isStill: sameProcess, start });
    expect(await ended).toBe('SIGKILL');
    expect(await undo?.()).toBe('started again: gmail is ready');
  });
});
