import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { llm } from '../../../src/health/checks/llm.ts';
import { answer, expectAbsentAndSlow, runCheck, serve, site, type Page } from '../serve.ts';

const models = {
  object: 'list',
  data: [
    { id: 'qwen', object: 'model' },
    { id: 'llama', object: 'model' },
  ],
};
const ask = async (pages: Record<string, Page>, options = {}, overrides = {}) => {
  const base = await serve(site(pages));
  return runCheck(
    llm,
    { url: `${base}/v1`, ...(JSON.parse(JSON.stringify(options).replaceAll('BASE', base)) as object) },
    overrides,
  );
};
/** What vLLM says of itself. */
const vllm = (waiting: number) => () => ({
  status: 200,
  text: `# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_running{model_name="qwen"} 99.0\nvllm:num_requests_waiting{model_name="qwen"} ${waiting}.0\nvllm:num_requests_waiting{model_name="llama"} 1.0\n`,
});

describe('llm check', () => {
  it.each<[string, Record<string, Page>, object, string, string]>([
    ['well', { '/v1/models': models }, {}, 'healthy', '2 models'],
    ['the model is there', { '/v1/models': models }, { model: 'qwen' }, 'healthy', '2 models'],
    [
      'the model is missing',
      { '/v1/models': models },
      { model: 'gpt-9' },
      'unhealthy',
      'does not list the model "gpt-9"',
    ],
    ['no credentials', { '/v1/models': answer(401) }, {}, 'unhealthy', 'answered 401: the credentials are refused'],
    ['too many requests', { '/v1/models': answer(429) }, {}, 'degraded', 'too many requests'],
    ['broken', { '/v1/models': answer(500) }, {}, 'unhealthy', 'answered 500'],
    ['an empty list', { '/v1/models': { data: [] } }, {}, 'unknown', 'without models'],
    ['nothing', { '/v1/models': () => ({ status: 200, text: '' }) }, {}, 'unknown', 'without models'],
    ['a login page', { '/v1/models': () => ({ status: 200, text: '<html>' }) }, {}, 'unknown', 'without models'],
    ['too late', { '/v1/models': models }, { latency_warning: 0 }, 'degraded', '2 models in '],
    [
      'far too late',
      { '/v1/models': models },
      { latency_warning: 0, latency_critical: 0 },
      'unhealthy',
      '2 models in ',
    ],
    [
      'a short queue',
      { '/v1/models': models, '/metrics': vllm(9) },
      { metrics_url: 'BASE/metrics' },
      'healthy',
      '2 models',
    ],
    [
      'a long queue',
      { '/v1/models': models, '/metrics': vllm(10) },
      { metrics_url: 'BASE/metrics' },
      'degraded',
      '11 requests wait',
    ],
    [
      'a hopeless queue',
      { '/v1/models': models, '/metrics': vllm(100) },
      { metrics_url: 'BASE/metrics' },
      'unhealthy',
      '101 requests wait',
    ],
    [
      'no queue to be told of',
      { '/v1/models': models, '/metrics': {} },
      { metrics_url: 'BASE/metrics' },
      'degraded',
      'does not tell how many',
    ],
  ])('%s', async (_, pages, options, status, says) => {
    // A clock that goes on by 10 ms whenever it is looked at.
    let at = 0;
    const clock = { ...systemClock, monotonic: () => (at += 10) };
    expect(await ask(pages, options, { clock })).toMatchObject({ status, message: expect.stringContaining(says) });
  });

  it.each([
    ['llamacpp:requests_deferred 12', '12'],
    ['sglang:num_queue_reqs{model_name="m"} 13.0', '13'],
    ['tgi_queue_size 14', '14'],
  ])('knows the queue of "%s"', async (text, waiting) => {
    const pages = { '/v1/models': models, '/metrics': () => ({ status: 200, text: `a 1\n${text}\n` }) };
    expect((await ask(pages, { metrics_url: 'BASE/metrics' })).message).toBe(`${waiting} requests wait`);
  });

  it.each([
    ['127.0.0.1', 'Bearer hush'],
    ['localhost', undefined],
  ])('shows its key on %s only when that is the host of the API', async (host, shown) => {
    const keys: unknown[] = [];
    const metrics: Page = ({ headers }: { headers: Record<string, unknown> }) => {
      keys.push(headers['authorization']);
      return { status: 200, text: 'tgi_queue_size 0\n' };
    };
    const { port } = new URL(await serve(site({ '/metrics': metrics })));
    const options = { api_key: 'hush', metrics_url: `http://${host}:${port}/metrics` };
    expect(await ask({ '/v1/models': models }, options)).toMatchObject({ status: 'healthy' });
    expect(keys).toEqual([shown]);
  });

  it('asks for one token when it is told to: a list may answer while the engine hangs', async () => {
    const asked: string[] = [];
    const pages = (reply: Page) => ({ '/v1/models': models, '/v1/chat/completions': reply });
    const token: Page = (_: unknown, body: string) => {
      asked.push(body);
      return { status: 200, json: { choices: [{ message: { content: 'p' } }] } };
    };
    const options = { model: 'qwen', completion: true };
    expect(await ask(pages(token), options)).toMatchObject({ status: 'healthy' });
    expect(JSON.parse(asked[0] ?? '')).toMatchObject({ model: 'qwen', max_tokens: 1 });
    expect(await ask(pages({ choices: [] }), options)).toMatchObject({ status: 'unknown' });
    expect(await ask(pages(answer(503)), options)).toMatchObject({ status: 'unhealthy' });
    expect(llm.options.safeParse({ completion: true }).success).toBe(false);
  });

  it('sends its key, and never tells it', async () => {
    const pages: Record<string, Page> = {
      '/v1/models': (request: { headers: Record<string, unknown> }) =>
        request.headers['authorization'] === 'Bearer sk-hush' ? { status: 200, json: models } : { status: 401 },
    };
    expect(await ask(pages, { api_key: 'sk-hush' })).toMatchObject({ status: 'healthy' });
    const refused = await ask(pages, { api_key: 'sk-hush-wrong' });
    expect(refused).toMatchObject({ status: 'unhealthy' });
    expect(refused.message).not.toContain('hush');
  });

  it('sees an API that fails every now and then', async () => {
    let calls = 0;
    const url = await serve(
      site({ '/v1/models': () => (++calls % 4 === 0 ? { status: 500 } : { status: 200, json: models }) }),
    );
    const memory = new Map<string, number>();
    const seen = [];
    for (let run = 0; run < 9; run++) seen.push(await runCheck(llm, { url: `${url}/v1` }, { memory }));
    expect(seen.map(({ status }) => status)).toEqual([
      'healthy',
      'healthy',
      'healthy',
      'unhealthy',
      'degraded',
      'degraded',
      'degraded',
      'unhealthy',
      'degraded',
    ]);
    expect(seen.at(-1)?.message).toBe('2 of the last 9 questions failed');
    expect(await runCheck(llm, { url: `${url}/v1`, error_rate_critical: 0.1 }, { memory })).toMatchObject({
      status: 'unhealthy',
      message: '2 of the last 10 questions failed',
    });
  });

  it('is unhealthy when nobody answers, or not in time', () =>
    expectAbsentAndSlow(llm, (url) => ({ url: `${url}/v1` })));
});
