import { systemCode } from '../../errors.ts';
import { defineFault } from '../fault.ts';

export const kill = defineFault({
  kind: 'kill',
  summary: 'Ends the process at once and unheard, as the kernel does when memory runs out.',
  inject({ process: victim, isStill, start }) {
    // Nothing may come between the look and the signal: a pid that is given anew belongs to somebody else.
    if (!isStill(victim)) return Promise.resolve(null);
    try {
      process.kill(victim.pid, 'SIGKILL');
    } catch (error) {
      if (systemCode(error) === 'ESRCH') return Promise.resolve(null);
      return Promise.reject(error as Error);
    }
    return Promise.resolve(async () => `started again: ${await start()}`);
  },
});
