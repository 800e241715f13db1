import { connect } from 'node:net';
import { get, type IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { STREAM_BUFFER, STREAM_HEARTBEAT_MS } from '../../src/http/server-sent.ts';
import { until } from '../support/temp.ts';
import { API, serve, type StandIn } from './stand-in.ts';

type Server = Awaited<ReturnType<typeof serve>>;
const authorization = `Bearer ${API}`;

/** A client of the stream that reads as fast as it can. */
async function listen({ port }: Server, query = '', lastEventId?: number) {
  const chunks: string[] = [];
  const ids: number[] = [];
  let rest = '';
  let ended = false;
  const headers = lastEventId === undefined ? { authorization } : { authorization, 'last-event-id': lastEventId };
  const request = get({ host: '127.0.0.1', port, path: `/api/v1/events${query}`, headers });
  onTestFinished(() => void request.destroy());
  request.on('error', () => (ended = true));
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  answer.setEncoding('utf8').on('data', (chunk: string) => {
    chunks.push(chunk);
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('id: ')) ids.push(Number(line.slice(4)));
  });
  answer.once('close', () => (ended = true)).on('error', () => undefined);
  return {
    answer,
    ids: () => ids,
    text: () => chunks.join(''),
    ended: () => ended,
    close: () => request.destroy(),
    reaches: (seq: number) => until(`event ${seq}`, () => ids.at(-1) === seq),
  };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const emitMany = (daemon: StandIn, count: number, fields?: Record<string, unknown>) => {
  for (let n = 0; n < count; n++) daemon.emit(fields);
};

describe('the event stream', () => {
  it('sends what happens from now on, with number, type and data', async () => {
    const server = await serve();
    emitMany(server.daemon, 3);
    const client = await listen(server);
    server.daemon.emit({ type: 'component.failed', why: 'line\nbreak' });
    await client.reaches(4);

    expect(client.answer.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(client.ids()).toEqual([4]);
    expect(client.text()).toContain(
      'id: 4\nevent: component.failed\ndata: {"type":"component.failed","component":"agent_core","why":"line\\nbreak","at":"now","seq":4}\n\n',
    );
  });

  it.each([
    ['?after=2', undefined],
    ['', 2],
    ['?after=9', 2],
  ])('resumes with %s and Last-Event-ID %s after the second event', async (query, lastEventId) => {
    const server = await serve();
    emitMany(server.daemon, 5);
    const client = await listen(server, query, lastEventId);
    await client.reaches(5);
    server.daemon.emit();
    await client.reaches(6);

    expect(client.ids()).toEqual([3, 4, 5, 6]);
  });

  it('has no gap and no duplicate when much happens while it catches up', async () => {
    const server = await serve();
    emitMany(server.daemon, 5_000, { why: 'x'.repeat(500) });
    const client = await listen(server, '?after=0');
    for (let n = 0; n < 200; n++) {
      server.daemon.emit();
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await client.reaches(5_200);

    expect(client.ids()).toEqual(numbers(1, 5_200));
  });

  it('looks into the store when a number is missing among what it is told', async () => {
    const server = await serve();
    const client = await listen(server);
    const deaf = [...server.daemon.listeners];
    server.daemon.listeners.clear();
    emitMany(server.daemon, 3);
    for (const listener of deaf) server.daemon.listeners.add(listener);
    server.daemon.emit();
    await client.reaches(4);

    expect(client.ids()).toEqual([1, 2, 3, 4]);
  });

  it('begins at the beginning for a client that knows a store which was set aside', async () => {
    const server = await serve();
    emitMany(server.daemon, 2);
    const client = await listen(server, '', 900);
    await client.reaches(2);

    expect(client.ids()).toEqual([1, 2]);
  });

  it('sends what is only told to who wants all, without a number', async () => {
    const server = await serve();
    const [some, all] = [await listen(server), await listen(server, '?all=true')];
    server.daemon.emit({ type: 'check.completed' }, false);
    server.daemon.emit();
    await Promise.all([some.reaches(1), all.reaches(1)]);

    expect(some.text()).not.toContain('check.completed');
    expect(all.text()).toMatch(/\n\nevent: check\.completed\ndata: [^\n]+\n\nid: 1\n/);
  });

  it('beats every 15 s, so that nobody between us closes it', async () => {
    const server = await serve();
    const client = await listen(server);
    await server.clock.advance(STREAM_HEARTBEAT_MS - 1);
    expect(client.text()).not.toContain('\n: ');
    await server.clock.advance(2 * STREAM_HEARTBEAT_MS);
    await until('two heartbeats', () => client.text().split('\n: \n').length === 3);
  });

  it('cuts a client that does not read, keeps the others, and lets it resume by id', async () => {
    const server = await serve();
    const fast = await listen(server);
    let received = '';
    const slow = connect(server.port, '127.0.0.1');
    const cut = new Promise((resolve) => slow.once('close', resolve));
    slow.on('error', () => undefined);
    slow.write(`GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`);
    await until('both listen', () => server.daemon.listeners.size === 2);
    slow.pause();

    let emitted = 0;
    await until('the slow one is cut', async () => {
      emitMany(server.daemon, 8, { why: 'x'.repeat(32_000) });
      emitted += 8;
      await fast.reaches(emitted);
      return server.daemon.listeners.size === 1;
    });
    slow.on('data', (chunk: Buffer) => (received += chunk.toString('latin1'))).resume();
    await cut;
    const last = Number(Array.from(received.matchAll(/^id: (\d+)\nevent: .*\ndata: .*\n\n/gm)).at(-1)?.[1] ?? 0);
    expect(last).toBeLessThan(emitted);

    const resumed = await listen(server, '', last);
    await resumed.reaches(emitted);
    expect(resumed.ids()).toEqual(numbers(last + 1, emitted));
    expect(fast.ids()).toEqual(numbers(1, emitted));
  });

  it('never has more than 1 MiB waiting for one client, however much the store holds', async () => {
    const server = await serve();
    emitMany(server.daemon, 2_000, { why: 'x'.repeat(32_000) });
    let pages = 0;
    const { eventsAfter } = server.daemon;
    server.daemon.eventsAfter = (seq, limit) => {
      pages++;
      return eventsAfter(seq, limit);
    };
    const mute = connect(server.port, '127.0.0.1');
    onTestFinished(() => void mute.destroy());
    mute.on('error', () => undefined);
    mute.pause();
    mute.write(`GET /api/v1/events?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n\r\n`);
    let [before, still] = [-1, 0];
    await until('it waits for the client', () => {
      still = pages > 1 && pages === before ? still + 1 : 0;
      before = pages;
      return still === 20;
    });
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(100);

    const stood = pages;
    emitMany(server.daemon, 10);
    expect(pages).toBe(stood);

    await server.clock.advance(4 * STREAM_HEARTBEAT_MS);
    await until('a client that never reads is given up', () => server.daemon.listeners.size === 0);
  });

  it('cuts a client at a burst beyond its buffer', async () => {
    const server = await serve();
    const client = await listen(server);
    emitMany(server.daemon, 80, { why: 'x'.repeat(STREAM_BUFFER / 16) });
    await until('cut', () => client.ended());

    expect(client.ids().length).toBeLessThan(80);
  });

  it('forgets a client that goes away', async () => {
    const server = await serve();
    const client = await listen(server);
    client.close();
    await until('nobody listens', () => server.daemon.listeners.size === 0);

    expect(server.clock.pending).toBe(0);
  });

  it('ends when the listener closes', async () => {
    const server = await serve({ graceMs: 60_000 });
    const client = await listen(server);
    await server.http.close();
    await until('the stream ended', () => client.ended());

    expect(server.daemon.listeners.size).toBe(0);
  });
});

describe('the event list', () => {
  it.each([
    ['follow=false', numbers(6, 105)],
    ['follow=false&limit=2', [104, 105]],
    ['follow=false&after=7&limit=3', [8, 9, 10]],
    ['follow=false&after=105', []],
  ])('with %s is bounded, oldest first', async (query, expected) => {
    const server = await serve();
    emitMany(server.daemon, 105);
    const { events } = (await (await server.ask(`/api/v1/events?${query}`)).json()) as { events: { seq: number }[] };

    expect(events.map(({ seq }) => seq)).toEqual(expected);
  });
});
