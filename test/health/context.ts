import { systemClock } from '../../src/clock.ts';
import type { CheckContext, CheckSubject } from '../../src/health/index.ts';

/** What a check is run with, unless the test says otherwise. */
export function context(
  overrides: Partial<Omit<CheckContext, 'subject'>> = {},
  subject: Partial<CheckSubject> = {},
): CheckContext {
  return {
    clock: systemClock,
    signal: new AbortController().signal,
    memory: new Map(),
    cwd: process.cwd(),
    subject: {
      engine: () => null,
      isHost: false,
      process: () => null,
      usage: () => null,
      heartbeat: () => null,
      startedAt: () => null,
      successes: () => ({ ok: 0, failed: 0 }),
      ...subject,
    },
    ...overrides,
  };
}
