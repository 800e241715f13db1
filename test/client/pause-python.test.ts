import { describe, expect, it } from 'vitest';
import { until } from '../support/temp.ts';
import { python } from './python.ts';

/** It pauses, and goes on, as slowly as it is told to: each waits for a line. */
const PROGRAM = `
turns = threading.Semaphore(0)

def pause(order):
    say("asked")
    turns.acquire()
    say("paused")

    def go_on():
        say("goes on")
        turns.acquire()
        say("has gone on")
    return go_on

line = paramedic.connect()
line.on_get_state(lambda: 1)
line.on_pause(pause)
for _ in sys.stdin:
    turns.release()
`;

/** Does a step for others whenever a line comes. */
const ANSWERS = `
done = []

line = paramedic.connect()
line.on_get_state(lambda: len(done))
line.on_pause(answers=True)
for _ in sys.stdin:
    say("asked")
    with line.step:
        done.append(1)
    say("done")
`;

/** Says how much time it has. */
const HOLDS = `
turns = threading.Semaphore(0)

def pause(order):
    say(order["hold_ms"])
    turns.acquire()

line = paramedic.connect()
line.on_get_state(lambda: 1)
line.on_pause(pause)
for _ in sys.stdin:
    turns.release()
`;

async function program(text = PROGRAM) {
  const one = await python(text);
  await until('a stream for all', () => one.heard.some(({ query }) => query.includes('resume')) && one.streams.at(-1));
  const answer = (id: string) => until(id, () => one.heard.find(({ call }) => call === `POST commands/${id}`)?.body);
  const order = (id: string, kind: string, barrier?: string) => one.command(id, kind, { barrier, hold_ms: 600_000 });
  const tell = (...told: Parameters<typeof order>) => {
    order(...told);
    return answer(told[0]);
  };
  const says = (...all: string[]) =>
    until(all.join(), () => one.said.length >= all.length).then(() => expect(one.said).toEqual(all));
  return { ...one, order, answer, tell, says, next: () => one.tell('next') };
}
const TOO_LATE = { error: 'RuntimeError: it was paused too late, and goes on' };

describe('a program in Python that is told to pause again', () => {
  it('while it still pauses, has gone on before', async () => {
    const { order, answer, tell, says, next } = await program();
    order('c1', 'pause', 'b1');
    await says('asked');
    expect(await tell('c2', 'resume', 'b1')).toEqual({});
    order('c3', 'pause', 'b2');
    await tell('c4', 'get_state');
    await says('asked');
    next();
    await says('asked', 'paused', 'goes on');
    next();
    expect(await answer('c1')).toEqual(TOO_LATE);
    await says('asked', 'paused', 'goes on', 'has gone on', 'asked');
    next();
    expect(await answer('c3')).toEqual({});
    expect(await tell('c5', 'get_state', 'b2')).toEqual({ state: 1 });
  });

  it('while it still goes on, has done so before', async () => {
    const { order, answer, tell, says, next } = await program();
    order('c1', 'pause', 'b1');
    next();
    expect(await answer('c1')).toEqual({});
    order('c2', 'resume', 'b1');
    await says('asked', 'paused', 'goes on');
    order('c3', 'pause', 'b2');
    await tell('c4', 'get_state');
    await says('asked', 'paused', 'goes on');
    next();
    await says('asked', 'paused', 'goes on', 'has gone on', 'asked');
    next();
    expect(await answer('c3')).toEqual({});
  });

  it('does not when that was given up meanwhile', async () => {
    const { order, answer, tell, says, next } = await program();
    order('c1', 'pause', 'b1');
    await says('asked');
    await tell('c2', 'resume', 'b1');
    order('c3', 'pause', 'b2');
    await tell('c4', 'get_state');
    expect(await tell('c5', 'resume', 'b2')).toEqual({});
    next();
    next();
    expect(await answer('c3')).toEqual(TOO_LATE);
    await says('asked', 'paused', 'goes on', 'has gone on');
  });

  it('is told how much time is left when it had to wait for that', async () => {
    const { order, tell, answer, said, errors, next } = await program(HOLDS);
    order('c1', 'pause', 'b1');
    await until('its first order', () => said.length === 1);
    await tell('c2', 'resume', 'b1');
    order('c3', 'pause', 'b2');
    await tell('c4', 'get_state');
    await new Promise((resolve) => setTimeout(resolve, 200));
    next();
    next();
    await answer('c3');
    // It is answered before it complains.
    await until('what it says of the first', () => errors().includes('too late'));
    const [first = 0, second = 0] = said as number[];
    expect(first).toBeGreaterThan(599_000);
    expect(second).toBeLessThanOrEqual(first - 150);
  });
});

describe('a program in Python that answers others', () => {
  it('does so until its state is taken, and again when it goes on', async () => {
    const { tell, says, next } = await program(ANSWERS);
    expect(await tell('c1', 'pause', 'b1')).toEqual({});
    next();
    await says('asked', 'done');
    expect(await tell('c2', 'get_state', 'b1')).toMatchObject({ state: 1 });
    next();
    await says('asked', 'done', 'asked');
    expect(await tell('c3', 'get_state', 'b1')).toMatchObject({ state: 1 });
    expect(await tell('c4', 'resume', 'b1')).toEqual({});
    await says('asked', 'done', 'asked', 'done');
    expect(await tell('c5', 'get_state', 'b1')).toEqual({ error: 'RuntimeError: it is not paused any more' });
    expect(await tell('c6', 'get_state')).toMatchObject({ state: 2 });
  });
});
