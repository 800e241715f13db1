import { describe, expect, it } from 'vitest';
import { epochMs } from '../../src/model/index.ts';
import { restartsSystem } from '../../src/restart/index.ts';

const NOW = epochMs(100_000_000);
const HOUR = 3_600_000;
const lost = {
  allowed: true,
  rule: 'budget',
  priority: 'critical',
  othersAlive: 1,
  lastAt: null,
  busy: false,
} as const;

describe('a component that is given up', () => {
  it.each([
    { given: {}, becomes: true },
    { given: { rule: 'slow_loop' }, becomes: true },
    { given: { rule: 'exit_codes' }, becomes: false },
    { given: { rule: 'fatal' }, becomes: false },
    { given: { priority: 'high' }, becomes: false },
    { given: { othersAlive: 0 }, becomes: false },
    { given: { busy: true }, becomes: false },
    { given: { allowed: false }, becomes: false },
    { given: { lastAt: epochMs(NOW - HOUR + 1) }, becomes: false },
    { given: { lastAt: epochMs(NOW - HOUR) }, becomes: true },
  ] as const)('with $given restarts the whole system: $becomes', ({ given, becomes }) => {
    expect(restartsSystem({ ...lost, ...given }, NOW)).toBe(becomes);
  });
});
