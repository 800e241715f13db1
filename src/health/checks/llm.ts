import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { askJson, field, isResult, refusal, under } from '../json-probe.ts';
import { errorRateOptions, judgeRecent, remember } from '../recent.ts';
import { httpUrl } from '../http-probe.ts';

/** What servers call the requests that wait: vLLM, llama.cpp, SGLang, TGI. */
const QUEUES =
  /^(?:vllm:num_requests_waiting|llamacpp:requests_deferred|sglang:num_queue_reqs|tgi_queue_size)(?:\{[^\n]*\})?\s+(\S+)/gm;

const options = z.strictObject({
  url: httpUrl()
    .default('https://api.openai.com/v1')
    .describe('Base address of an OpenAI-compatible API; `/models` is appended.'),
  api_key: z.string().min(1).optional().describe('Sent as a bearer token. Write it as `${NAME}` or `${file:…}`.'),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe('Headers sent with every question to the host of `url`.'),
  model: z.string().min(1).optional().describe('Model that must be listed.'),
  completion: z
    .boolean()
    .default(false)
    .describe(
      'Also ask `model` for one token: an engine may hang behind a list that still answers. It may cost money.',
    ),
  latency_warning: duration().default(5_000).describe('An answer that takes longer is degraded.'),
  latency_critical: duration().default(30_000).describe('An answer that takes longer is unhealthy.'),
  ...errorRateOptions,
  metrics_url: httpUrl()
    .optional()
    .describe('Prometheus page of the server (vLLM, llama.cpp, SGLang, TGI), which tells how many requests wait.'),
  queue_warning: z.number().int().min(0).default(10).describe('Waiting requests above which it is degraded.'),
  queue_critical: z.number().int().min(0).default(100).describe('Waiting requests above which it is unhealthy.'),
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
});
type Options = z.output<typeof options>;

export const llm = defineCheck({
  kind: 'llm',
  summary:
    'Healthy while an OpenAI-compatible API lists its models, soon, mostly without errors and with a short queue.',
  options: options.refine(({ completion, model }) => !completion || model !== undefined, {
    error: () => '`completion` asks a model for a token: name it with `model`',
  }),
  async run(limits, context) {
    const asked = await ask(limits, context);
    const found = asked.status === 'healthy' ? ((await queueOf(limits, context)) ?? asked) : asked;
    const recent = remember(context.memory, asked.status !== 'unhealthy');
    return (found.status === 'healthy' ? judgeRecent('questions', recent, limits) : null) ?? found;
  },
});

const authorized = ({ api_key, headers }: Options) =>
  api_key === undefined ? headers : { authorization: `Bearer ${api_key}`, ...headers };

async function ask(limits: Options, context: CheckContext): Promise<CheckResult> {
  const { url, model, verify_tls } = limits;
  const headers = authorized(limits);
  const answer = await askJson({ url: under(url, '/models'), headers, verify_tls }, context);
  if (isResult(answer)) return answer;
  const refused = refusal(answer);
  if (refused) return refused;
  const data = field(answer.json, 'data');
  if (!Array.isArray(data) || data.length === 0)
    return unknown(`${answer.shown} answered ${answer.status} without models`);
  if (model !== undefined && !data.some((one) => field(one, 'id') === model))
    return unhealthy(`${answer.shown} does not list the model "${model}"`);
  const well = timed(`${answer.shown}: ${data.length} model${data.length === 1 ? '' : 's'}`, answer.ms, limits);
  if (!limits.completion || model === undefined || well.status === 'unhealthy') return well;

  const body = JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: 'ping' }] });
  const question = { url: under(url, '/chat/completions'), method: 'POST', body, verify_tls } as const;
  const told = await askJson({ ...question, headers: { 'content-type': 'application/json', ...headers } }, context);
  if (isResult(told)) return told;
  const choices = field(told.json, 'choices');
  const ill = refusal(told);
  if (ill) return ill;
  if (!Array.isArray(choices) || choices.length === 0)
    return unknown(`${told.shown} answered ${told.status} without a token`);
  return timed(`${told.shown}: a token`, told.ms, limits);
}

function timed(what: string, ms: number, { latency_warning, latency_critical }: Options): CheckResult {
  const sentence = `${what} in ${formatDuration(ms)}`;
  if (ms > latency_critical) return unhealthy(sentence);
  return ms > latency_warning ? degraded(sentence) : healthy(sentence);
}

/** null: nobody is asked, or the queue is short. */
async function queueOf(limits: Options, context: CheckContext): Promise<CheckResult | null> {
  const { url, metrics_url, verify_tls, queue_warning, queue_critical } = limits;
  if (metrics_url === undefined) return null;
  const sameHost = new URL(metrics_url).hostname === new URL(url).hostname;
  const headers = { ...(sameHost ? authorized(limits) : {}), accept: 'text/plain' };
  const page = await askJson({ url: metrics_url, headers, verify_tls }, context);
  if (isResult(page)) return degraded(page.message);
  const waiting = [...page.text.matchAll(QUEUES)].map(([, value]) => Number(value));
  if (page.status !== 200 || waiting.length === 0 || waiting.some((value) => !Number.isFinite(value)))
    return degraded(`${page.shown} answered ${page.status} and does not tell how many requests wait`, 3);
  const all = waiting.reduce((sum, value) => sum + value, 0);
  const sentence = `${all} requests wait`;
  if (all > queue_critical) return unhealthy(sentence);
  return all > queue_warning ? degraded(sentence) : null;
}
