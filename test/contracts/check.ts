import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Check } from '../../src/health/index.ts';
import { healthStatuses } from '../../src/model/index.ts';
import { context } from '../health/context.ts';

/** What every check promises, whatever it asks. `options` make it run for real. */
export function checkContract(check: Check, options: unknown): void {
  it('has a name and one sentence that says when it is healthy', () => {
    expect(check.kind).toMatch(/^[a-z_]+$/);
    expect(check.summary).toMatch(/^Healthy .*\.$/);
  });

  it('describes each of its options and refuses unknown ones', () => {
    const { properties = {} } = z.toJSONSchema(check.options, { io: 'input', unrepresentable: 'any' });
    for (const [name, property] of Object.entries(properties)) {
      expect(typeof property === 'object' && property.description, `${check.kind}.${name}`).toBeTruthy();
    }
    expect(check.options.safeParse({ ...(options as object), no_such_option: 1 }).success).toBe(false);
  });

  it('answers with a status, one line and a severity from 0 to 10', async () => {
    const result = await check.run(check.options.parse(options), context());
    expect(healthStatuses).toContain(result.status);
    expect(result.message).toMatch(/^.+$/);
    expect(result.severity).toBeGreaterThanOrEqual(0);
    expect(result.severity).toBeLessThanOrEqual(10);
    if (result.status === 'healthy') expect(result.severity).toBe(0);
  });

  it('comes back soon when it is aborted', async () => {
    const abort = new AbortController();
    const result = Promise.resolve(check.run(check.options.parse(options), context({ signal: abort.signal })));
    abort.abort(new Error('too late'));
    await Promise.race([
      result.catch(() => undefined),
      new Promise((_, reject) => setTimeout(() => reject(new Error('still running after 5 s')), 5_000).unref()),
    ]);
  });
}
