import { describe, expect, it } from 'vitest';
import { componentName, epochMs } from '../../src/model/index.ts';
import { toBlame } from '../../src/restart/index.ts';

const NOW = epochMs(1_000_000);
const ago = (ms: number) => epochMs(NOW - ms);
const WINDOW = 1_000;
const dependency = (name: string, given: Partial<Parameters<typeof toBlame>[0][number]> = {}) => ({
  name: componentName(name),
  parent: false,
  unhealthy: false,
  lastCrashAt: null,
  blamedAt: null,
  canRestart: true,
  ...given,
});

describe('the dependency to blame', () => {
  it.each([
    { what: 'none of those that are well', all: [dependency('db')], becomes: null },
    { what: 'one that is unhealthy', all: [dependency('db', { unhealthy: true })], becomes: 'db' },
    { what: 'one that crashed in the window', all: [dependency('db', { lastCrashAt: ago(999) })], becomes: 'db' },
    { what: 'none that crashed before it', all: [dependency('db', { lastCrashAt: ago(1_000) })], becomes: null },
    { what: 'none twice within it', all: [dependency('db', { unhealthy: true, blamedAt: ago(999) })], becomes: null },
    { what: 'one again after it', all: [dependency('db', { unhealthy: true, blamedAt: ago(1_000) })], becomes: 'db' },
    {
      what: 'none that nobody may restart',
      all: [dependency('db', { unhealthy: true, canRestart: false })],
      becomes: null,
    },
    {
      what: 'the unhealthy one before one that crashed',
      all: [dependency('db', { lastCrashAt: ago(1) }), dependency('mq', { unhealthy: true })],
      becomes: 'mq',
    },
    { what: 'its own process when nothing else is', all: [dependency('core', { parent: true })], becomes: 'core' },
    {
      what: 'an unhealthy one before its own process',
      all: [dependency('core', { parent: true }), dependency('db', { lastCrashAt: ago(1) })],
      becomes: 'db',
    },
    {
      what: 'the one that crashed last',
      all: [dependency('db', { lastCrashAt: ago(500) }), dependency('mq', { lastCrashAt: ago(100) })],
      becomes: 'mq',
    },
  ])('is $what', ({ all, becomes }) => {
    expect(toBlame(all, WINDOW, NOW)?.dependency ?? null).toBe(becomes);
  });
});
