import { z } from 'zod';
import { defineCheck, healthy, unhealthy } from '../check.ts';
import { ask, showUrl, httpUrl } from '../http-probe.ts';

const status = z.number().int().min(100).max(599);

export const http = defineCheck({
  kind: 'http',
  summary: 'Healthy while a page answers as expected, with any 2xx unless told otherwise.',
  options: z.strictObject({
    url: httpUrl().describe('Address of the page.'),
    method: z.enum(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS']).default('GET').describe('Method of the request.'),
    headers: z.record(z.string(), z.string()).default({}).describe('Headers sent with it.'),
    body: z.string().default('').describe('Body sent with it.'),
    expect_status: z
      .union([status, z.array(status).min(1)])
      .optional()
      .describe('Status or list of statuses that are well; default: any 2xx.'),
    expect_body: z.string().min(1).optional().describe('Text that the answer must contain, within its first MiB.'),
    follow_redirects: z.boolean().default(true).describe('Follow up to five redirects and judge the last answer.'),
    verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
  }),
  async run(options, { clock, signal }) {
    const started = clock.monotonic();
    const shown = `${options.method} ${showUrl(options.url)}`;
    const wellFrom = options.expect_status === undefined ? undefined : [options.expect_status].flat();
    try {
      const answer = await ask({ ...options, readBody: options.expect_body !== undefined, signal });
      const ms = Math.round(clock.monotonic() - started);
      const well = wellFrom ? wellFrom.includes(answer.status) : answer.status >= 200 && answer.status < 300;
      if (!well) return unhealthy(`${shown} answered ${answer.status}, expected ${wellFrom?.join(' or ') ?? 'a 2xx'}`);
      if (options.expect_body !== undefined && !answer.body.includes(options.expect_body)) {
        return unhealthy(`${shown} answered ${answer.status} without "${options.expect_body}"`);
      }
      return healthy(`${shown} answered ${answer.status} in ${ms} ms`);
    } catch (error) {
      return unhealthy(`${shown} failed: ${error instanceof Error && error.message ? error.message : String(error)}`);
    }
  },
});
