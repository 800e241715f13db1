import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { oneLine } from '../../format.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { askJson, field, isResult, refusal, under } from '../json-probe.ts';
import { pids, tried } from '../proc.ts';
import { httpUrl } from '../http-probe.ts';

const BROWSERS = ['chrom', 'firefox', 'edge', 'webkit', 'brave'];

const options = z.strictObject({
  webdriver_url: httpUrl()
    .optional()
    .describe('A WebDriver (chromedriver, geckodriver, Selenium); `/status` is appended.'),
  cdp_url: httpUrl()
    .optional()
    .describe('Debugging address of a browser (Chrome DevTools Protocol); `/json/version` is appended.'),
  processes: z
    .array(z.string().min(1))
    .optional()
    .describe(
      `One of these must be part of the name of a running process; default, without an address: ${BROWSERS.join(', ')}.`,
    ),
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
});
type Options = z.output<typeof options>;

export const browser = defineCheck({
  kind: 'browser',
  summary: 'Healthy while browser processes live and WebDriver or the DevTools protocol answers.',
  options,
  async run(asked, context) {
    const { webdriver_url, cdp_url } = asked;
    const results = await Promise.all([
      ...(webdriver_url === undefined ? [] : [webdriver(webdriver_url, asked, context)]),
      ...(cdp_url === undefined ? [] : [devtools(cdp_url, asked, context)]),
    ]);
    const names = asked.processes ?? (results.length === 0 ? BROWSERS : null);
    if (names) results.unshift(processesNamed(names));
    const ill =
      results.find(({ status }) => status === 'unhealthy') ?? results.find(({ status }) => status !== 'healthy');
    return ill ?? healthy(results.map(({ message }) => message).join('; '));
  },
});

function processesNamed(names: readonly string[]): CheckResult {
  const found = countProcesses(names);
  if (found === null) return unknown('processes cannot be read on this system');
  return found === 0 ? unhealthy('no browser process') : healthy(`${found} browser process${found === 1 ? '' : 'es'}`);
}

/** Processes in whose name one of the words stands; null: this system does not tell. */
export function countProcesses(words: readonly string[], proc = '/proc'): number | null {
  const all = tried(() => pids(proc));
  const wanted = words.map((word) => word.toLowerCase());
  return (
    all &&
    all.filter((pid) => {
      const name = tried(() => readFileSync(`${proc}/${pid}/comm`, 'utf8'))?.toLowerCase();
      return name !== undefined && wanted.some((word) => name.includes(word));
    }).length
  );
}

async function webdriver(url: string, { verify_tls }: Options, context: CheckContext): Promise<CheckResult> {
  const answer = await askJson({ url: under(url, '/status'), verify_tls }, context);
  if (isResult(answer)) return answer;
  const refused = refusal(answer);
  if (refused) return refused;
  const value = field(answer.json, 'value');
  const ready = field(value, 'ready');
  if (typeof ready !== 'boolean')
    return unknown(`${answer.shown} answered ${answer.status} and does not say whether it is ready`);
  if (ready) return healthy(`WebDriver is ready, told in ${answer.ms} ms`);
  const message = field(value, 'message');
  const why = typeof message === 'string' ? oneLine(message, 100) : '';
  // A driver of one browser is never ready while somebody uses it: that is what it is there for.
  return /session/i.test(why)
    ? healthy(`WebDriver is in use: ${why}`)
    : degraded(`WebDriver is not ready: ${why || 'it does not say why'}`);
}

async function devtools(url: string, { verify_tls }: Options, context: CheckContext): Promise<CheckResult> {
  const answer = await askJson({ url: under(url, '/json/version'), verify_tls }, context);
  if (isResult(answer)) return answer;
  const refused = refusal(answer);
  if (refused) return refused;
  const name = field(answer.json, 'Browser');
  if (typeof name !== 'string' || name === '')
    return unknown(`${answer.shown} answered ${answer.status} without a browser`);
  return healthy(`${oneLine(name, 60)} answered in ${answer.ms} ms`);
}
