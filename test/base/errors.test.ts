import { describe, expect, it } from 'vitest';
import { withoutStack } from '../../src/errors.ts';

describe('what is expected to fail', () => {
  it('fails without a stack, and later errors have theirs', () => {
    const fail = () => withoutStack(() => process.kill(-(2 ** 30), 0));
    expect(fail).toThrow(/ESRCH/);
    const caught = (): string => {
      try {
        return String(fail());
      } catch (error) {
        return String((error as Error).stack);
      }
    };
    expect(caught()).not.toContain('\n');
    expect(new Error('later').stack).toContain('errors.test');
  });
});
