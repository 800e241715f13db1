import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { client, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

interface Report {
  readonly component: string;
  readonly exception_type: string | null;
  readonly exception_message: string | null;
  readonly stack_trace: string | null;
  readonly recent_logs: readonly string[];
  readonly additional_context: { readonly exit_code: number | null; readonly rule: string };
}

/** Dies of `fault` once a file `NAME.die` is there. */
const mortal = (fault: string, more: Record<string, unknown> = {}) =>
  client(
    `import { existsSync } from 'node:fs';
     const timer = setInterval(() => { if (existsSync(line.component + '.die')) { clearInterval(timer); die(); } }, 20);
     ${fault}`,
    { restart: { policy: 'no_restart' }, ...more },
  );

describe('a crash that is told from inside', () => {
  const site = new Site(
    {
      components: {
        thrower: mortal(
          `line.installCrashHandler();
           function die() { throw new RangeError('with ' + process.env.MY_API_KEY, { cause: new TypeError('x') }); }`,
          { env: { MY_API_KEY: 'hunter2hunter2' } },
        ),
        rejecter: mortal(`line.installCrashHandler(); function die() { Promise.reject(new SyntaxError('late')); }`),
        // Without its daemon's help nobody would know: it says nothing on stderr.
        silent: mortal(
          `class ToolError extends Error { name = 'ToolError'; }
           async function die() { await line.reportCrash(new ToolError('no answer')); process.exit(4); }`,
        ),
      },
    },
    afterAll,
  );
  beforeAll(async () => {
    await site.start();
    for (const name of ['thrower', 'rejecter', 'silent']) {
      await site.untilState(name, 'running');
      site.write(`${name}.die`, '');
    }
  });
  const reportOf = async (name: string): Promise<Report> => {
    const id = await until(`the report of ${name}`, async () => {
      const { crashes } = (await site.api('GET', `crashes?component=${name}`)).body as {
        crashes: { report: string | null; crash_id: string }[];
      };
      return crashes[0]?.report ? crashes[0].crash_id : undefined;
    });
    return (await site.api('GET', `crashes/${id}`)).body as Report;
  };

  it('is in the report with its stack, without its secrets', async () => {
    const report = await reportOf('thrower');
    expect(report).toMatchObject({
      exception_type: 'RangeError',
      exception_message: 'with ***',
      stack_trace: expect.stringMatching(/^RangeError: with \*\*\*\n {4}at die /) as string,
      additional_context: { exit_code: 1, rule: 'uncaught exception' },
    });
    expect(report.stack_trace).toContain('[cause]: TypeError: x');
    expect(report.recent_logs.join('\n')).toContain('Uncaught RangeError: with ***');
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });

  it('may be a rejection that nobody handled', async () => {
    expect(await reportOf('rejecter')).toMatchObject({ exception_type: 'SyntaxError', exception_message: 'late' });
  });

  it('is told by the program itself where nothing is printed', async () => {
    expect(await reportOf('silent')).toMatchObject({
      exception_type: 'ToolError',
      exception_message: 'no answer',
      recent_logs: [],
      additional_context: { exit_code: 4, rule: 'uncaught exception' },
    });
    const [crash] = (await site.events('component.crashed')).filter(({ component }) => component === 'silent');
    expect(crash).toMatchObject({ error_type: 'ToolError' });
  });
});
