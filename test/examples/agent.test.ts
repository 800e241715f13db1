import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadConfig } from '../../src/config/index.ts';
import { createStateStore } from '../../src/checkpoints/index.ts';
import { systemClock } from '../../src/clock.ts';
import { createTokens } from '../../src/http/index.ts';
import { componentName, type IncarnationId } from '../../src/model/index.ts';
import { serve, StandIn } from '../http/stand-in.ts';
import { Site } from '../support/daemon.ts';
import { tempFolder, until } from '../support/temp.ts';

const folder = resolve(import.meta.dirname, '../../examples/agent');
const { config } = loadConfig(join(folder, 'paramedic.yaml'), {});

/** One program of the example by itself, on any free port, ended with the test. */
async function run(program: string, env: Record<string, string> = {}) {
  const { PATH = '', PARAMEDIC_TEST = '' } = process.env;
  const child: ChildProcess = spawn(process.execPath, [program], {
    cwd: folder,
    env: { PATH, PARAMEDIC_TEST, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((settle) => child.once('close', settle));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const url = await until(`${program} listens`, () => / listens on (\S+)/.exec(output)?.[1]);
  const post = async (path: string, body?: unknown) => {
    const answer = await fetch(url + path, { method: 'POST', ...(body ? { body: JSON.stringify(body) } : {}) });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return { url, post, exited, child, output: () => output };
}

describe('the example configuration', () => {
  const components = Object.entries(config.components);

  it('names programs that are there', () => {
    const programs = components.map(([, { command }]) => command?.[1] ?? '');

    expect(programs.filter((program) => !existsSync(join(folder, program)))).toEqual([]);
    expect(programs.length).toBe(8);
  });

  it('gives every component a port of its own between 19480 and 19489', () => {
    const ports = components.map(([, { env }]) => Number(env['PORT']));

    expect(new Set(ports).size).toBe(components.length);
    for (const port of ports) expect(port >= 19_480 && port <= 19_489).toBe(true);
  });

  it.each([
    ['agent_core', 'exponential_backoff', 'critical', 5, true],
    ['soul_engine', 'immediate', 'critical', 10, true],
    ['gmail_service', 'delayed', 'high', 5, true],
    ['browser_control', 'delayed', 'medium', 3, false],
    ['cron_scheduler', 'immediate', 'high', 10, true],
    ['heartbeat', 'immediate', 'critical', 20, true],
  ])('restarts %s as the specification says: %s, %s, at most %i times, state kept: %s', (name, ...expected) => {
    const { restart, priority, state } = config.components[name]!;

    expect([restart.policy, priority, restart.max_restarts, state.preserve]).toEqual(expected);
  });
});

describe('a program of the example without a supervisor', () => {
  const programs = ['agent-core', 'soul-engine', 'memory-system', 'gmail-service', 'cron-scheduler', 'heartbeat'];

  it.each(programs)('%s says that it works without memory', async (name) => {
    const { url, output } = await run(`${name}.js`);

    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(output()).toContain('not supervised: working without memory');
  });

  it.each(['browser-control', 'outside-world'])('%s has nothing to remember', async (name) => {
    const { url, output } = await run(`${name}.js`);

    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(output()).not.toContain('supervised');
  });

  it('turns unhealthy and healthy on request', async () => {
    const { url, post } = await run('memory-system.js');

    expect((await post('/do/unhealthy')).status).toBe(200);
    expect((await fetch(`${url}/healthz`)).status).toBe(503);
    await post('/do/healthy');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it.each([
    ['crash', 1, 'Error: a fault was asked for: crash'],
    ['exit/7', 7, 'a fault was asked for: exit'],
  ])('ends on request: %s with code %i', async (fault, code, words) => {
    const { post, exited, output } = await run('browser-control.js');

    expect((await post(`/do/${fault}`)).status).toBe(202);
    expect(await exited).toBe(code);
    expect(output()).toContain(words);
  });

  it.each(['hang', 'spin'])('answers nobody any more after %s', async (fault) => {
    const { url, post, output } = await run('browser-control.js');
    await post(`/do/${fault}`);

    await until('silence', async () => {
      const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(300) }).catch(() => undefined);
      return answer === undefined;
    });
    await until('its word', () => output().includes(`a fault was asked for: ${fault}`));
  });

  it('floods its output on request', async () => {
    const { post, output } = await run('browser-control.js');
    await post('/do/flood');

    await until('a MiB of output', () => output().length > 2 ** 20);
  });

  it('knows no other faults', async () => {
    const { post } = await run('browser-control.js');

    expect((await post('/do/toString')).status).toBe(404);
  });
});

describe('the agent of the example', () => {
  const world = async () => {
    const outside = await run('outside-world.js');
    const memory = await run('memory-system.js');
    const soul = await run('soul-engine.js', { LLM_URL: outside.url });
    const agent = await run('agent-core.js', { SOUL_ENGINE_URL: soul.url, MEMORY_SYSTEM_URL: memory.url });
    return { outside, memory, soul, agent };
  };

  it('thinks about a task, remembers what came out, and does nothing twice', async () => {
    const { agent, memory } = await world();
    const first = await agent.post('/tasks', { id: 't1', text: 'say hello' });
    const again = await agent.post('/tasks', { id: 't1', text: 'say hello' });
    const facts = (await (await fetch(`${memory.url}/facts?q=hello`)).json()) as { count: number };

    expect(first.body).toMatchObject({ id: 't1', answer: 'I thought about 9 characters and it is all fine.' });
    expect(again.body).toEqual(first.body);
    expect(facts.count).toBe(1);
    expect(await (await fetch(`${agent.url}/state`)).json()).toMatchObject({ conversations: 1, doing: null });
  });

  it('goes on when its soul has gone', async () => {
    const { agent, soul } = await world();
    soul.child.kill('SIGKILL');
    await soul.exited;

    expect((await agent.post('/tasks', { text: 'say hello' })).body).toMatchObject({
      answer: 'I cannot think right now',
    });
  });

  it('answers the mails that arrive, each once', async () => {
    const { agent, outside } = await world();
    const gmail = await run('gmail-service.js', { MAIL_URL: outside.url, AGENT_CORE_URL: agent.url });
    await outside.post('/inbox', { subject: 'lunch?' });
    await until('both mails are handled', () => /handled: lunch\?/.test(gmail.output()));

    expect(await (await fetch(`${agent.url}/state`)).json()).toMatchObject({ conversations: 2 });
  });

  it('has a memory check that tells in one line how it is', async () => {
    const { memory } = await world();
    const check = async (url: string) => {
      const child = spawn(process.execPath, ['check-memory.js', url], { cwd: folder });
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
      const code = await new Promise((settle) => child.once('close', settle));
      return [code, output.trim()];
    };

    expect(await check(memory.url)).toEqual([0, '0 facts, none doubled']);
    expect(await check('http://127.0.0.1:9')).toEqual([1, 'the memory system does not answer']);
  });
});

describe('the jobs of every day', () => {
  it('wait while they are given up', async () => {
    const { priority, fallback } = config.degradation!.features['routine_jobs']!;
    const command = [process.execPath, join(folder, 'cron-scheduler.js')];
    const site = new Site({
      degradation: { interval: '1h', features: { routine_jobs: { priority, fallback } } },
      components: { cron_scheduler: { command, env: { PORT: '0', EVERY_MS: '50' } } },
    });
    await site.start();
    const lines = (what: string) =>
      (site.read('.paramedic/logs/cron_scheduler/stdout.log') ?? '').split('\n').filter((line) => line.startsWith(what))
        .length;
    const others = (what: string) => {
      const before = lines(what);
      return until(`more of "${what}"`, () => lines(what) > before);
    };
    await others('run ');
    expect(await site.api('PUT', 'degradation', { level: 'reduced' })).toMatchObject({ status: 200 });
    await others('this job waits until there is room again');
    await until('no more runs', async () => {
      const done = lines('run ');
      await others('this job waits until there is room again');
      return lines('run ') === done;
    });
    expect(await site.api('PUT', 'degradation', { level: 'auto' })).toMatchObject({ status: 200 });
    await others('run ');
  });
});

describe('the memory of the example', () => {
  /** Our own HTTP and state store in front of a stand-in for the daemon. @returns the environment of a component. */
  async function supervisor() {
    const folder = tempFolder();
    const tokens = createTokens(join(folder, 'tokens'));
    const file = join(folder, 'state.db');
    const state = createStateStore({ file, eventsFile: null, clock: systemClock, emit: () => {} });
    onTestFinished(() => state.close());
    const daemon = Object.assign(new StandIn(), {
      state,
      authenticate: (token: string) => {
        const speaker = tokens.readComponentToken(token);
        return speaker && { ...speaker, current: true };
      },
      restore: (name: string) => state.getState(componentName(name), null),
    });
    const { url } = await serve({ daemon });
    return (name: string) => ({
      PARAMEDIC_URL: url,
      PARAMEDIC_COMPONENT: name,
      PARAMEDIC_TOKEN: tokens.componentToken(componentName(name), 'a'.repeat(32) as IncarnationId),
    });
  }

  it('survives a kill with every fact, and a stop with a checkpoint', async () => {
    const env = (await supervisor())('memory_system');
    const first = await run('memory-system.js', env);
    expect(first.output()).toContain('first start: nothing to remember');
    for (const id of ['a', 'b', 'c']) await first.post('/remember', { id, fact: `fact ${id}` });
    first.child.kill('SIGKILL');
    await first.exited;

    const second = await run('memory-system.js', env);
    expect(second.output()).toContain(
      'remembered: checkpoint none and 3 journal entries (at most 0 s lost)\nI know 3 facts',
    );
    second.child.kill('SIGTERM');
    expect(await second.exited).toBe(0);
    expect(second.output()).toContain('stopped, everything saved');

    const third = await run('memory-system.js', env);
    expect(third.output()).toMatch(/remembered: checkpoint CP-\S+ and 0 journal entries .*\nI know 3 facts/);
  });

  it('lets the agent do again what a kill cut off', async () => {
    const env = (await supervisor())('agent_core');
    const outside = await run('outside-world.js');
    const soul = await run('soul-engine.js', { LLM_URL: outside.url });
    const first = await run('agent-core.js', { ...env, SOUL_ENGINE_URL: soul.url });
    soul.child.kill('SIGSTOP');
    const cutOff = first.post('/tasks', { id: 't1', text: 'say hello' }).catch(() => 'cut off');
    await until('it has begun', async () => {
      const state = (await (await fetch(`${first.url}/state`)).json()) as { doing: unknown };
      return state.doing !== null;
    });
    first.child.kill('SIGKILL');
    expect(await cutOff).toBe('cut off');
    soul.child.kill('SIGCONT');

    const second = await run('agent-core.js', { ...env, SOUL_ENGINE_URL: soul.url });
    expect(second.output()).toContain('I was in the middle of "say hello": doing it again');
    await until('it is done', () => /conversation 1: say hello/.test(second.output()));
  });
});
