import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { DegradationView } from '../../src/http/degradation.ts';
import type { ExplainView } from '../../src/supervisor/api.ts';
import { paramedic, script, Site, sleeper } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

/**
 * Hears what is on and what is not, as any program would that only speaks HTTP, and writes each word down; tells of
 * calls that fail while there is a file `unanswered`.
 */
const listener = script(`
  const { PARAMEDIC_URL: url, PARAMEDIC_TOKEN: token, PARAMEDIC_COMPONENT: name } = process.env;
  const { appendFileSync, existsSync } = require('node:fs');
  const headers = { authorization: 'Bearer ' + token };
  const failed = JSON.stringify([{ dependency: 'api', ok: false, duration_ms: 1 }]);
  const report = () =>
    existsSync('unanswered') &&
    fetch(url + '/component/v1/outcomes', {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: failed,
    }).catch(() => {});
  setInterval(report, 50);
  const hear = async () => {
    const answer = await fetch(url + '/component/v1/commands?kinds=degradation', { headers });
    let text = '';
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      for (let end = text.indexOf('\\n\\n'); end >= 0; end = text.indexOf('\\n\\n')) {
        const data = /^data: (.*)$/m.exec(text.slice(0, end));
        if (data) appendFileSync(name + '.heard', data[1] + '\\n');
        text = text.slice(end + 2);
      }
    }
  };
  const forever = () => hear().catch(() => {}).then(() => setTimeout(forever, 25));
  forever();
`);
/** Ends as soon as there is a file \`broken\`. */
const speaker = script(
  `const look = () => require('node:fs').existsSync('broken') && process.exit(3);
   look(); setInterval(look, 10)`,
  { features: ['speech'], restart: { policy: 'immediate', max_restarts: 1 } },
);

interface Heard {
  readonly level: string;
  readonly features: Record<string, { enabled: boolean; reason: string | null; fallback: unknown }>;
}

/** Out of reach of any machine, so that only a person moves the level. */
const out = { cpu_warning: 10, cpu_critical: 10, memory_warning: 10, memory_critical: 10 };
const features = {
  planning: { priority: 'high' },
  speech: {
    priority: 'low',
    fallback: { message: 'text only' },
    on_disable: { command: ['sh', '-c', 'echo "$PARAMEDIC_FEATURE" >> disabled'] },
    on_enable: { command: ['sh', '-c', 'echo no voice; exit 3'] },
  },
  reading_aloud: { priority: 'high', depends_on: ['speech'] },
};
const config = (more: Record<string, unknown> = {}) => ({
  degradation: { features, thresholds: out, interval: '1s', recover_after: '1s', ...more },
  remediation: {
    rules: [{ match: { alertname: 'Busy' }, action: { degrade: { level: 'reduced', for: '1h' } }, cooldown: 0 }],
  },
  components: { agent: { ...listener, priority: 'critical' }, tts: speaker, idle: sleeper() },
});

const site = new Site(config(), afterAll);
const degradation = async () => (await site.api('GET', 'degradation')).body as DegradationView;
const untilLevel = (level: string) => until(`the level ${level}`, async () => (await degradation()).level === level);
const off = async () =>
  Object.entries((await degradation()).features).flatMap(([name, { enabled }]) => (enabled ? [] : [name]));
const heard = () =>
  (site.read('agent.heard') ?? '')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Heard);
const untilHeard = (what: string, is: (last: Heard) => boolean) =>
  until(what, () => {
    const last = heard().at(-1);
    return last && is(last) && last;
  });
const run = (...args: string[]) => paramedic(['degrade', ...args, '--config', site.file]);

describe('less, not gone', () => {
  beforeAll(async () => {
    await site.start();
    await Promise.all(['agent', 'tts', 'idle'].map((name) => site.untilState(name, 'running')));
  });

  it('all is on, and components know it from the first moment', async () => {
    const first = await untilHeard('the first word', () => true);
    expect(first).toMatchObject({
      level: 'full',
      features: { speech: { enabled: true, reason: null, fallback: null } },
    });
    expect(await site.status()).toMatchObject({ level: 'full', features_off: [] });
    expect((await run()).stdout).toContain('The level is full. It follows the machine.');
  });

  it('a person holds a level: features go, components hear of it, their commands run', async () => {
    expect(await run('reduced', '--for', '1h')).toMatchObject({
      code: 0,
      stdout: 'the level is held at reduced for 1h\n',
    });
    expect(await off()).toEqual(['speech', 'reading_aloud']);
    expect(await untilHeard('what is off', ({ level }) => level === 'reduced')).toMatchObject({
      features: {
        planning: { enabled: true },
        reading_aloud: { enabled: false, reason: 'it depends on speech, which is off' },
        speech: {
          reason: 'the level is reduced, and its priority low',
          fallback: {
            success: false,
            error: 'speech temporarily unavailable',
            fallback: true,
            message: 'text only',
          },
        },
      },
    });
    expect(heard()).toHaveLength(2);
    await until('on_disable', () => site.read('disabled') === 'speech\n');
    const metrics = await site.metrics();
    expect(metrics).toContain('paramedic_degradation_level 1');
    expect(metrics).toContain('paramedic_degradation_transitions_total{to="reduced",trigger="manual"} 1');
    expect(metrics.match(/^paramedic_feature_enabled.*$/gm)).toEqual([
      'paramedic_feature_enabled{feature="planning"} 1',
      'paramedic_feature_enabled{feature="reading_aloud"} 0',
      'paramedic_feature_enabled{feature="speech"} 0',
    ]);
    const { stdout } = await paramedic(['status', '--config', site.file]);
    expect(stdout).toMatch(/^level reduced: a person asked for it\nfeatures off: speech, reading_aloud$/m);
  });

  it('the pin outlives the daemon, which switches nobody twice', async () => {
    await site.end('SIGKILL');
    await site.start();
    expect(await degradation()).toMatchObject({ level: 'reduced', trigger: 'manual', pins: [{ level: 'reduced' }] });
    expect(await site.events('degradation.level_changed')).toHaveLength(1);
    expect(site.read('disabled')).toBe('speech\n');
  });

  it('it is given back, and a command that fails is told of and holds up nobody', async () => {
    expect((await run('auto')).stdout).toBe('the level is given back, and is full\n');
    await untilHeard('that all is on', ({ level, features }) => level === 'full' && features['speech']!.enabled);
    const failed = await until('on_enable', async () => (await site.events('degradation.command_finished'))[1]);
    expect(failed).toMatchObject({
      command: 'on_enable',
      outcome: 'failure',
      why: 'it ended with 3',
      output: 'no voice',
    });
  });

  it('one whose time is over is given back by itself', async () => {
    await run('minimal', '--for', '1s');
    await untilLevel('full');
    const { pins } = await degradation();
    expect(pins).toEqual([]);
    const [unpinned] = (await site.events('degradation.unpinned')).toReversed();
    expect(unpinned).toMatchObject({ why: 'expired' });
  });

  it('an alert holds a level for a while, as its rule says, unless a person does', async () => {
    const decided = async (fingerprint: string) => {
      const token = readFileSync(join(site.stateDir, 'tokens', 'webhook.token'), 'utf8').trim();
      const alert = { status: 'firing', labels: { alertname: 'Busy' }, annotations: {}, fingerprint };
      const answer = await fetch(`${site.url}/webhooks/alertmanager`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ version: '4', alerts: [{ ...alert, startsAt: new Date().toISOString() }] }),
      });
      return ((await answer.json()) as { alerts: { decision: string }[] }).alerts[0]?.decision;
    };
    expect(await decided('0000000000000001')).toBe('execute');
    await untilLevel('reduced');
    expect(await degradation()).toMatchObject({ trigger: 'alert', reason: 'an alert asked for it' });
    await run('full', '--for', '1h');
    await untilLevel('full');
    expect(await decided('0000000000000002')).toBe('execute');
    const refused = await until('its end', async () => (await site.events('remediation.finished'))[1]);
    expect(refused).toMatchObject({
      outcome: 'failure',
      message: 'degrade of "host" refused: a person holds the level at full, and stands above',
    });
    expect((await run('auto')).stdout).toBe('the level is given back, and is full\n');
  });

  it('a component that is given up takes its features along, in the same moment, and no more restarts', async () => {
    expect((await site.api('GET', 'components/tts/explain')).body).toMatchObject({
      features: ['speech', 'reading_aloud'],
    } satisfies Partial<ExplainView>);
    site.write('broken', '');
    await site.untilState('tts', 'failed');
    expect(await off()).toEqual(['speech', 'reading_aloud']);
    const told = (await site.events()).filter(
      (event) => event['component'] === 'tts' || event['cause'] === 'tts' || event.type === 'component.failed',
    );
    const steps = told.slice(told.findLastIndex(({ type }) => type === 'component.crashed'));
    expect(steps.filter(({ type }) => !type.startsWith('incident.') && !type.startsWith('crash.'))).toMatchObject([
      { type: 'component.crashed' },
      { type: 'restart.finished', outcome: 'failure' },
      { type: 'degradation.feature_changed', feature: 'speech', reason: 'its component tts has failed' },
      { type: 'degradation.feature_changed', feature: 'reading_aloud', enabled: false },
      { type: 'restart.decided', decision: { kind: 'fail' } },
      { type: 'component.failed' },
      { type: 'recovery.finished' },
    ]);
    const [, first] = steps;
    expect(first!['incident']).toBe(steps.at(-1)!['incident']);
    expect(told.filter((event) => event.type === 'component.starting')).toHaveLength(2);
    await untilHeard('that speech is off', ({ features }) => !features['speech']!.enabled);
    expect(await site.status()).toMatchObject({ level: 'full', features_off: ['speech', 'reading_aloud'] });
  });

  it('they come back when a person has started it and it is ready', async () => {
    site.remove('broken');
    expect((await paramedic(['start-component', 'tts', '--config', site.file])).code).toBe(0);
    expect(await off()).toEqual([]);
    await untilHeard('that all is on', ({ features }) => features['speech']!.enabled);
  });

  it('a busy machine gives up what can wait, and takes it back when it is quiet', async () => {
    site.configure(config({ thresholds: { ...out, cpu_warning: 0 } }));
    expect((await site.api('POST', 'reload')).status).toBe(200);
    await untilLevel('minimal');
    const [changed] = (await site.events('degradation.level_changed')).toReversed();
    expect(changed).toMatchObject({
      to: 'minimal',
      trigger: 'policy',
      reason: expect.stringMatching(/^CPU at \d+%/) as string,
    });
    site.configure(config());
    expect((await site.api('POST', 'reload')).status).toBe(200);
    await untilLevel('full');
    expect(await site.metrics()).toMatch(/paramedic_degradation_seconds_total\{level="minimal"\} [0-9.]+/);
  });

  it('a network that is lost leaves what does not need it, and comes back when it does', async () => {
    const other = createServer((socket) => socket.destroy());
    onTestFinished(() => void other.close());
    const listen = (port: number) => new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    await listen(0);
    const { port } = other.address() as AddressInfo;
    const network = { network: { target: `127.0.0.1:${port}` }, interval: '50ms', failure_threshold: 2 };
    site.configure({ ...config(), host: { checks: { outside: network } } });
    expect((await site.api('POST', 'reload')).status).toBe(200);
    await until('a network', async () => (await degradation()).reading?.network === 'connected');
    expect((await degradation()).level).toBe('full');

    await new Promise((resolve) => other.close(resolve));
    await untilLevel('offline');
    const [lost] = (await site.events('degradation.level_changed')).toReversed();
    expect(lost).toMatchObject({ from: 'full', trigger: 'policy', reason: 'the network is lost' });
    expect(await off()).toEqual(['planning', 'speech', 'reading_aloud']);

    await listen(port);
    await untilLevel('full');
    await new Promise((resolve) => other.close(resolve));
    site.configure(config());
    expect((await site.api('POST', 'reload')).status).toBe(200);
  });

  it('calls that nobody answers are a reason to do less', async () => {
    site.write('unanswered', '');
    await untilLevel('emergency');
    const [changed] = (await site.events('degradation.level_changed')).toReversed();
    expect(changed).toMatchObject({ reason: 'failed calls at 100%, from 30% on' });
    site.remove('unanswered');
    site.configure(config({ thresholds: { ...out, error_rate_warning: 10, error_rate_critical: 10 } }));
    expect((await site.api('POST', 'reload')).status).toBe(200);
    await untilLevel('full');
  });

  it.each([
    [{ level: 'low' }, 'level: expected one of full, reduced, minimal, emergency, offline, auto'],
    [{ level: 'full', for: 'soon' }, 'for: expected a duration'],
    [{ level: 'auto', for: '1h' }, 'for: goes with a level only'],
    [{ level: 'full', until: 'noon' }, 'until'],
  ])('PUT %j is refused', async (body, detail) => {
    const answer = await site.api('PUT', 'degradation', body);
    expect([answer.status, (answer.body as { detail: string }).detail]).toEqual([400, expect.stringContaining(detail)]);
  });
});
