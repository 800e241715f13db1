import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BreakerView } from '../../src/http/breakers.ts';
import { client, paramedic, Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

/** Asks, calls (the other side answers while the file `up` is there), reports; notes each answer that was a no. */
const caller = client(`
  import { appendFileSync, existsSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  const turn = async () => {
    const { permitted, permitId, state, waitMs } = await line.permit('gpt_api');
    if (!permitted) {
      appendFileSync(line.component + '.refused', JSON.stringify({ at: Date.now(), state, waitMs }) + '\\n');
      return;
    }
    const ok = existsSync('up');
    const outcome = { dependency: 'gpt_api', ok, durationMs: 5, permitId };
    await line.reportOutcomes([ok ? outcome : { ...outcome, error: 'connect ECONNREFUSED' }]);
  };
  for (;;) {
    await turn().catch(() => {});
    await sleep(25);
  }
`);

const breakers = { gpt_api: { recovery_timeout: '15s' } };
const site = new Site({ breakers, components: { planner: caller, writer: caller } }, afterAll);
const breaker = async () => (await site.api('GET', 'breakers/gpt_api')).body as BreakerView;
const untilBreaker = (state: string) =>
  until(`the breaker to be ${state}`, async () => (await breaker()).state === state, 60_000);
const refusals = (name: string) =>
  (site.read(`${name}.refused`) ?? '')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { at: number; state: string; waitMs: number });
const run = (...args: string[]) => paramedic(['breakers', ...args, '--config', site.file]);

describe('what two components lean on', () => {
  beforeAll(() => site.start());

  it('is spared after five failures, by both of them', async () => {
    await untilBreaker('open');
    const { until: end, ...open } = await breaker();
    expect(open).toMatchObject({
      failure_ratio: 1,
      reason: '5 failures in a row; the last: connect ECONNREFUSED',
    });
    for (const name of ['planner', 'writer']) {
      const [first] = await until(`a refusal of ${name}`, () => refusals(name).length > 0 && refusals(name));
      expect(first!.state).toBe('open');
      const off = first!.at + first!.waitMs - Date.parse(end!);
      expect(off).toBeGreaterThan(-50);
      expect(off).toBeLessThan(15_000);
    }
    const metrics = await site.metrics();
    expect(metrics).toContain('paramedic_circuit_breaker_state{breaker="gpt_api",state="open"} 1');
    expect(metrics).toContain(
      'paramedic_circuit_breaker_transitions_total{breaker="gpt_api",to="open",trigger="policy"} 1',
    );
    expect(metrics).toContain('paramedic_circuit_breaker_calls_total{breaker="gpt_api",result="failure"} 5');
    expect(metrics).toMatch(/paramedic_circuit_breaker_calls_total\{breaker="gpt_api",result="rejected"\} [1-9]/);
    expect(metrics).toContain('paramedic_circuit_breaker_failure_ratio{breaker="gpt_api"} 1');
    expect(metrics).toContain(
      `paramedic_circuit_breaker_state_start_time_seconds{breaker="gpt_api"} ${Date.parse(open.since) / 1_000}`,
    );
  });

  it('stays spared over the death of the daemon, for just the time that was left', async () => {
    const before = await breaker();
    await site.end('SIGKILL');
    await site.start();
    const after = await breaker();
    expect(after).toMatchObject({ state: 'open', since: before.since, until: before.until, reason: before.reason });

    site.write('up', '');
    await untilBreaker('closed');
    const [opened, halfOpen, closed] = await site.events('breaker.transitioned');
    expect(opened).toMatchObject({
      from: 'closed',
      to: 'open',
      caller: expect.stringMatching(/planner|writer/) as string,
    });
    expect(halfOpen).toMatchObject({ from: 'open', to: 'half_open' });
    const late = Date.parse(halfOpen!.at) - Date.parse(before.until!);
    // The wall clock may be slewed meanwhile.
    expect(late).toBeGreaterThan(-50);
    expect(late).toBeLessThan(10_000);
    expect(closed).toMatchObject({ from: 'half_open', to: 'closed', reason: '2 probes have succeeded' });
  });

  it('is opened, closed and reset by hand', async () => {
    expect(await run('open', 'gpt_api')).toMatchObject({ code: 0, stdout: 'gpt_api is forced open\n' });
    const told = refusals('planner').length;
    await until('a refusal', () => refusals('planner').length > told);
    expect((await run('list')).stdout).toMatch(/^BREAKER .*\ngpt_api +forced_open +\S+ .* forced open by a person\n$/);

    expect(await run('close', 'gpt_api')).toMatchObject({ code: 0, stdout: 'gpt_api is forced closed\n' });
    site.remove('up');
    await until('many failures', async () => {
      const [{ calls, failure_ratio: ratio }] = JSON.parse((await run('list', '--json')).stdout) as [BreakerView];
      return calls * (ratio ?? 0) >= 10;
    });
    expect((await breaker()).state).toBe('forced_closed');

    expect((await run('reset', 'gpt_api')).code).toBe(0);
    await untilBreaker('open');
    expect(await run('open', 'smtp')).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr: 'No breaker named "smtp". `paramedic breakers list` shows them.\n',
    });
  });

  it('follows the configuration', async () => {
    site.configure({ breakers: { smtp: {} }, components: { planner: caller, writer: caller } });
    expect(await site.api('POST', 'reload')).toMatchObject({ status: 200, body: { changed: [] } });
    expect((await site.api('GET', 'breakers')).body).toMatchObject({ breakers: [{ name: 'smtp', state: 'closed' }] });
    const metrics = await site.metrics();
    expect(metrics).toContain('paramedic_circuit_breaker_calls_total{breaker="smtp",result="failure"} 0');
    expect(metrics).not.toContain('breaker="gpt_api"');
    expect(metrics).not.toContain('breaker="_OTHER"');
  });
});
