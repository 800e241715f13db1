import { describe, expect, it } from 'vitest';
import { until } from '../support/temp.ts';
import { refusal, standIn } from './stand-in.ts';

const answer = { success: false, error: 'voice temporarily unavailable', fallback: true, message: 'text only' };
const off = { enabled: false, reason: 'the level is reduced, and its priority low', fallback: answer };
const on = { enabled: true, reason: null, fallback: null };
const full = { level: 'full', features: { voice: on, planning: on } };
const reduced = { level: 'reduced', features: { voice: off, planning: on } };

/** A stand-in that says how it is to whoever begins to listen, as the daemon does. */
async function setUp(present: object = full) {
  const daemon = await standIn();
  let told = 0;
  const listens = async (times: number) => {
    await until('it listens', () => daemon.streams.length === times);
    daemon.command(`began-${times}`, 'degradation', { ...present });
  };
  const announce = (news: object) => daemon.command(`news-${++told}`, 'degradation', { ...news });
  return { ...daemon, listens, announce, line: daemon.line() };
}

describe('features', () => {
  it('are all on until the daemon says otherwise, and those that it does not know too', async () => {
    const { line, listens, announce } = await setUp();
    const features = line.features();
    expect([features.level, features.isAvailable('voice'), features.fallback('voice')]).toEqual(['full', true, null]);
    await listens(1);
    announce(reduced);
    await until('the news', () => features.level === 'reduced');
    expect([features.isAvailable('voice'), features.fallback('voice')]).toEqual([false, answer]);
    for (const other of ['planning', 'unheard_of', 'constructor'])
      expect([features.isAvailable(other), features.fallback(other)]).toEqual([true, null]);
  });

  it('are done while they are on, and answered for otherwise', async () => {
    const { line, listens } = await setUp(reduced);
    const features = line.features();
    let spoken = 0;
    const speak = () => ++spoken;
    expect(await features.run('voice', speak)).toBe(1);
    await listens(1);
    await until('the news', () => !features.isAvailable('voice'));
    expect(await features.run('voice', speak)).toEqual(answer);
    expect(await features.run('voice', speak, ({ message }) => message)).toBe('text only');
    expect(await features.run('planning', async () => 'planned', speak)).toBe('planned');
    expect(spoken).toBe(1);
    const fails = () => Promise.reject(new Error('no plan'));
    await expect(features.run('planning', fails, () => 'never')).rejects.toThrow('no plan');
  });

  it('are told of once for each change, to all who listen, also to who comes later', async () => {
    const { line, listens, announce, heard } = await setUp();
    const [first, second]: [unknown[], unknown[]] = [[], []];
    const third: unknown[] = [];
    let begun = false;
    line.features({
      onChange(news) {
        first.push(news);
        if (!begun) line.features({ onChange: (one) => third.push(one) });
        begun = true;
      },
    });
    await listens(1);
    await until('the first word', () => first.length === 1);
    line.onDegradation((news) => second.push(news));
    await until('what is known already', () => second.length === 1);
    announce(reduced);
    announce(reduced);
    announce(full);
    await until('the news', () => second.length === 3);
    expect(first).toEqual([full, reduced, full]);
    expect([second, third]).toEqual([first, first]);
    expect(heard.filter(({ call }) => call.startsWith('POST'))).toEqual([]);
  });

  it('are heard of again when the stream was cut, and only if they have changed', async () => {
    const { line, listens, streams, announce } = await setUp();
    const heard: unknown[] = [];
    line.features({ onChange: ({ level }) => heard.push(level) });
    await listens(1);
    await until('the first word', () => heard.length === 1);
    streams[0]?.destroy();
    await listens(2);
    announce(reduced);
    await until('the news', () => heard.length === 2);
    expect(heard).toEqual(['full', 'reduced']);
  });

  it('are listened for while anybody does, and known at once to who comes after that', async () => {
    const { line, listens, announce, streams } = await setUp();
    const heard: unknown[] = [];
    const [one, other] = [line.features(), line.features({ onChange: ({ level }) => heard.push(level) })];
    await listens(1);
    await until('the first word', () => heard.length === 1);
    one.close();
    announce(reduced);
    await until('the news', () => other.level === 'reduced');
    expect(one.level).toBe('full');
    const third = line.features();
    expect(third.level).toBe('reduced');
    third.close();
    other.close();
    other.close();
    await until('it to hang up', () => streams[0]?.closed);
    expect(other.level).toBe('reduced');
  });

  it('tell what a handler threw, and that nothing is heard any more', async () => {
    const daemon = await standIn(({ call }) =>
      call === 'GET commands' && daemon.streams.length > 0 ? refusal(409, 'STALE_INCARNATION') : undefined,
    );
    const errors: unknown[] = [];
    const features = daemon.line().features({
      onChange() {
        throw new Error('a handler');
      },
      onError: (error) => errors.push(error),
    });
    await until('it listens', () => daemon.streams.length === 1);
    daemon.command('c1', 'degradation', reduced);
    await until('the error', () => errors.length === 1);
    expect(features.isAvailable('voice')).toBe(false);
    daemon.streams[0]?.destroy();
    await until('the refusal', () => errors.length === 2);
    expect(errors).toMatchObject([{ message: 'a handler' }, { code: 'STALE_INCARNATION' }]);
  });
});
