import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { connect, isSupervised } from '../../src/client/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/temp.ts';
import { refusal, standIn } from './stand-in.ts';

const callsOf = (heard: { call: string }[]) => heard.map(({ call }) => call);

describe('a connection', () => {
  it('is made from the environment', () => {
    vi.stubEnv('PARAMEDIC_URL', 'http://127.0.0.1:1');
    vi.stubEnv('PARAMEDIC_TOKEN', 't');
    vi.stubEnv('PARAMEDIC_COMPONENT', 'planner');
    vi.stubEnv('PARAMEDIC_RECOVERY_MODE', '1');
    expect(isSupervised()).toBe(true);
    expect(connect()).toMatchObject({ component: 'planner', recoveryMode: true });
    vi.unstubAllEnvs();
  });

  it('is refused with a reason where nobody supervises', () => {
    expect(isSupervised()).toBe(false);
    expect(() => connect()).toThrow(expect.objectContaining({ code: 'NOT_SUPERVISED' }));
    expect(() => connect()).toThrow('PARAMEDIC_URL is not set');
  });

  it('speaks with its token, and for the one it names', async () => {
    const { line, heard } = await standIn();
    await line({ component: 'soul engine' }).heartbeat({ status: 'degraded', state: 'dirty', dirtySeconds: 1.5 });
    expect(heard).toEqual([
      {
        call: 'POST heartbeat',
        query: 'component=soul%20engine',
        body: { status: 'degraded', state: 'dirty', dirty_seconds: 1.5 },
        authorization: 'Bearer secret',
      },
    ]);
  });

  it('lets the process end when nothing is under way', async () => {
    const { url } = await standIn();
    const env = { ...process.env, PARAMEDIC_URL: url, PARAMEDIC_TOKEN: 't', PARAMEDIC_COMPONENT: 'planner' };
    const child = spawn(process.execPath, [join(import.meta.dirname, 'short-life.ts')], { env, stdio: 'inherit' });
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('that is closed waits for what is under way, and takes nothing more', async () => {
    const { line, heard } = await standIn();
    const connection = line();
    const entry = connection.journal('a');
    const saved = connection.saveState(1);
    await connection.close();
    expect(callsOf(heard).toSorted()).toEqual(['POST journal', 'PUT state']);
    expect(await entry).toBe(1);
    expect(await saved).toMatchObject({ checkpointId: 'CP-1' });
    for (const late of [
      connection.journal('b'),
      connection.saveState(2),
      connection.heartbeat(),
      connection.restore(),
    ]) {
      await expect(late).rejects.toMatchObject({ code: 'CLOSED' });
    }
  });
});

describe('a restored state', () => {
  it('is what the daemon has, and the next checkpoint goes on from it', async () => {
    const stored = {
      checkpoint_id: 'CP-9',
      state: { n: 1 },
      schema_version: 2,
      journal: [{ entry_id: 41, at: 5, operation: 'add', data: 1 }],
      through: 41,
      data_loss_seconds: 0,
    };
    const { line, heard } = await standIn(({ call }) =>
      call === 'GET state' ? { status: 200, body: stored } : undefined,
    );
    const connection = line();
    expect(await connection.restore()).toEqual({
      checkpointId: 'CP-9',
      state: { n: 1 },
      schemaVersion: 2,
      migratedFrom: null,
      journal: [{ entryId: 41, at: 5, operation: 'add', data: 1, schemaVersion: null }],
      dataLossSeconds: 0,
    });
    await connection.saveState({ n: 2 }, { schemaVersion: 3 });
    expect(heard.at(-1)?.body).toEqual({ state: { n: 2 }, schema_version: 3, through: 41 });
  });
});

describe('a checkpoint', () => {
  it('goes through the entries acknowledged before it was asked for', async () => {
    const { line, heard } = await standIn();
    const connection = line();
    await connection.saveState('none');
    await Promise.all([connection.journal('a'), connection.journal('b')]);
    const later = connection.journal('c');
    await connection.saveState('ab');
    await later;
    await connection.saveState('abc', { through: 2 });
    const bodies = heard.filter(({ call }) => call === 'PUT state').map(({ body }) => body);
    expect(bodies).toEqual([{ state: 'none' }, { state: 'ab', through: 2 }, { state: 'abc', through: 2 }]);
  });

  it('says how it is to be kept, for a child too, and is told how it is', async () => {
    const { line, heard } = await standIn(({ query }) =>
      query?.includes('kind=memory') ? { status: 200, body: { checkpoint_id: 'CP-7', kind: 'memory' } } : undefined,
    );
    const connection = line();
    expect(await connection.saveState(1, { kind: 'memory' })).toEqual({ checkpointId: 'CP-7', kind: 'memory' });
    expect(await connection.child('soul').saveState(2, { kind: 'memory' })).toMatchObject({ kind: 'memory' });
    expect(await connection.saveState(3)).toMatchObject({ kind: 'full' });
    await connection.patchState([]);
    expect(heard.map(({ query }) => query)).toEqual([
      'kind=memory&component=planner',
      'kind=memory&component=soul',
      'component=planner',
      'component=planner',
    ]);
  });

  it('contains just the entries applied so far, although they were acknowledged together', async () => {
    const { line, heard } = await standIn();
    const connection = line();
    const state: string[] = [];
    const apply = async (operation: string) => {
      await connection.journal(operation);
      state.push(operation);
      await connection.saveState(state);
    };
    await Promise.all([apply('a'), apply('b'), apply('c')]);
    const saved = heard.filter(({ call }) => call === 'PUT state').map(({ body }) => body);
    expect(saved).toEqual([
      { state: ['a'], through: 1 },
      { state: ['a', 'b'], through: 2 },
      { state: ['a', 'b', 'c'], through: 3 },
    ]);
  });

  it('sent again never overtakes the next one', async () => {
    const { line, heard } = await standIn((_, count) => (count === 1 ? 'hang up' : undefined));
    const connection = line();
    await Promise.all([connection.saveState('older'), connection.saveState('newer')]);
    expect(heard.map(({ body }) => body)).toEqual([{ state: 'older' }, { state: 'older' }, { state: 'newer' }]);
  });

  it('that JSON cannot hold is refused at once', async () => {
    const { line, heard } = await standIn();
    await expect(line().saveState(undefined)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(line().journal('a', 1n)).rejects.toThrow(TypeError);
    expect(heard).toEqual([]);
  });
});

describe('the journal', () => {
  it('sends what is journalled together in one list, in order', async () => {
    const { line, heard } = await standIn();
    const connection = line();
    const ids = await Promise.all([1, 2, 3].map((n) => connection.journal('add', n)));
    expect(ids).toEqual([1, 2, 3]);
    expect(heard).toHaveLength(1);
    expect(heard[0]?.body).toMatchObject([{ data: 1 }, { data: 2 }, { data: 3 }]);
  });

  it('stores each entry once, although an answer was lost', async () => {
    let cut = true;
    const daemon = await standIn((heard) => {
      if (heard.call !== 'POST journal' || !cut) return undefined;
      cut = false;
      daemon.usual(heard);
      return 'hang up';
    });
    const connection = daemon.line();
    expect(await Promise.all([connection.journal('a'), connection.journal('b', null, { id: 'mine' })])).toEqual([1, 2]);
    expect(daemon.heard).toHaveLength(2);
    expect(daemon.entries.size).toBe(2);
    expect(daemon.entries.get('mine')).toBe(2);
  });

  it('does not let one bad entry fail the others', async () => {
    const { line } = await standIn(({ body }) =>
      JSON.stringify(body).includes('bad') ? refusal(400, 'BODY_INVALID') : undefined,
    );
    const connection = line();
    const results = await Promise.allSettled(['a', 'bad', 'c'].map((operation) => connection.journal(operation)));
    expect(results).toMatchObject([{ value: 1 }, { reason: { code: 'BODY_INVALID', status: 400 } }, { value: 2 }]);
  });

  it('takes no more than it can hold, and drops nothing it took', async () => {
    const daemon = await standIn();
    await daemon.stop();
    const connection = daemon.line({ queueLimit: 3 });
    const taken = [1, 2, 3].map((n) => connection.journal('add', n));
    await expect(connection.journal('add', 4)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await daemon.comeBack();
    expect(await Promise.all(taken)).toEqual([1, 2, 3]);
  });
});

describe('a daemon that is away', () => {
  it('is waited for: connection refused, then back', async () => {
    const daemon = await standIn();
    const connection = daemon.line();
    await connection.journal('before');
    await daemon.stop();
    const during = Promise.all([connection.journal('during'), connection.saveState('during'), connection.restore()]);
    await daemon.comeBack();
    expect(await during).toMatchObject([2, { checkpointId: 'CP-1' }, { checkpointId: null }]);
  });

  it('is waited for: 503, then 200', async () => {
    const { line, heard } = await standIn((_, count) => (count <= 2 ? refusal(503, 'STORE_FAILED') : undefined));
    await line().saveState(1);
    expect(heard).toHaveLength(3);
  });

  it('is given up at the deadline, with the reason', async () => {
    const daemon = await standIn();
    await daemon.stop();
    const connection = daemon.line({ deadlineMs: 200 });
    const results = await Promise.allSettled([connection.journal('a'), connection.saveState(1), connection.restore()]);
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'DAEMON_AWAY', status: null } });
    const stopping = await standIn(() => refusal(503, 'SHUTTING_DOWN'));
    await expect(stopping.line({ deadlineMs: 200 }).restore()).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('that says no is not asked again', async () => {
    const { line, heard } = await standIn(() => refusal(409, 'STALE_INCARNATION'));
    const connection = line();
    const stale = { code: 'STALE_INCARNATION', status: 409, message: 'STALE_INCARNATION!' };
    await expect(connection.saveState(1)).rejects.toMatchObject(stale);
    await expect(connection.journal('a')).rejects.toMatchObject(stale);
    expect(heard).toHaveLength(2);
  });
});

describe('heartbeats', () => {
  it('are sent at once and each interval, whatever becomes of one of them', async () => {
    const { line, heard } = await standIn((_, count) => (count === 2 ? refusal(503, 'SHUTTING_DOWN') : undefined));
    const clock = new FakeClock();
    const errors: unknown[] = [];
    let progress = 0;
    const beat = () => ({ progress: ++progress });
    const stop = line({ clock }).startHeartbeat({ intervalMs: 1_000, beat, onError: (error) => errors.push(error) });
    for (const count of [1, 2, 3]) {
      await until(`beat ${count} is heard and the next one waits`, () => heard.length === count && clock.pending === 1);
      await clock.advance(1_000);
    }
    await until('the fourth beat is heard', () => heard.length === 4 && clock.pending === 1);
    stop();
    expect(heard.map(({ body }) => body)).toEqual([1, 2, 3, 4].map((n) => ({ progress: n })));
    expect(errors).toMatchObject([{ code: 'SHUTTING_DOWN' }]);
    expect(clock.pending).toBe(0);
  });

  it('end with the connection', async () => {
    const { line, heard } = await standIn();
    const clock = new FakeClock();
    const connection = line({ clock });
    connection.startHeartbeat({ intervalMs: 1_000 });
    await until('the first is heard', () => heard.length === 1 && clock.pending === 1);
    await connection.close();
    expect(clock.pending).toBe(0);
  });

  it('survive the death of the daemon on a connection that was kept open', async () => {
    const daemon = await standIn();
    const connection = daemon.line();
    await connection.heartbeat();
    await daemon.stop();
    await daemon.comeBack();
    await connection.heartbeat();
    expect(daemon.heard).toHaveLength(2);
  });
});

describe('a permit', () => {
  it('is asked for, and given or refused', async () => {
    const answers = [
      { permitted: true, permit_id: '7.1', state: 'half_open', wait_ms: 0 },
      { permitted: false, state: 'open', wait_ms: 1_500 },
    ];
    const { line, heard } = await standIn((_, count) => ({ status: 200, body: answers[count - 1] }));
    const connection = line();
    const given = await connection.permit('gpt api');
    expect(given).toEqual({ permitted: true, permitId: '7.1', state: 'half_open', waitMs: 0 });
    expect(await connection.permit('gpt api')).toEqual({
      permitted: false,
      permitId: null,
      state: 'open',
      waitMs: 1_500,
    });
    expect(callsOf(heard)).toEqual(Array.from({ length: 2 }, () => 'POST breakers/gpt%20api/permit'));
  });

  it('is refused with the reason of the daemon, and at once', async () => {
    const { line, heard } = await standIn(() => refusal(404, 'BREAKER_NOT_FOUND'));
    await expect(line().permit('smtp')).rejects.toMatchObject({ code: 'BREAKER_NOT_FOUND', status: 404 });
    expect(heard).toHaveLength(1);
  });

  it('is not waited for longer than two seconds', async () => {
    const { line, stop } = await standIn();
    await stop();
    const clock = new FakeClock();
    const connection = line({ clock });
    const asked = Promise.allSettled([connection.permit('smtp'), connection.reportOutcomes([])]);
    let settled: Awaited<typeof asked> | undefined;
    void asked.then((results) => (settled = results));
    await until('both to be given up', async () => {
      await clock.advance(50);
      return settled !== undefined;
    });
    for (const result of settled!) expect(result).toMatchObject({ reason: { code: 'DAEMON_AWAY' } });
    expect(clock.monotonic()).toBeLessThanOrEqual(10_000);
  });
});

describe('outcomes', () => {
  it('are told in the words of the protocol; what nobody watches is named', async () => {
    const { line, heard } = await standIn(() => ({ status: 200, body: { accepted: 2, unknown: ['smtp'] } }));
    const unknown = await line().reportOutcomes([
      { dependency: 'gpt_api', ok: true, durationMs: 12, permitId: '7.1' },
      { dependency: 'smtp', ok: false, durationMs: 3, error: 'refused' },
    ]);
    expect(unknown).toEqual(['smtp']);
    expect(heard).toMatchObject([
      {
        call: 'POST outcomes',
        body: [
          { dependency: 'gpt_api', ok: true, duration_ms: 12, permit_id: '7.1' },
          { dependency: 'smtp', ok: false, duration_ms: 3, error: 'refused' },
        ],
      },
    ]);
  });
});
