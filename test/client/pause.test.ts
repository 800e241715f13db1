import { describe, expect, it } from 'vitest';
import type { GoOn, PauseOrder } from '../../src/client/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { until } from '../support/temp.ts';
import { standIn } from './stand-in.ts';

/** A program that pauses as the test says, and notes when it goes on. */
async function program(pause: (order: PauseOrder) => GoOn | void | Promise<GoOn | void>, forOthers = false) {
  const clock = new FakeClock();
  const daemon = await standIn(({ call }) =>
    call === 'POST breakers/api/permit' ? { status: 200, body: { permitted: true, permit_id: 'p' } } : undefined,
  );
  const connection = daemon.line({ clock });
  const errors: string[] = [];
  connection.onPause(pause, { answers: forOthers, onError: (error) => void errors.push(String(error)) });
  connection.onGetState(() => ({ state: daemon.entries.size }));
  await until('the stream', () => daemon.streams.length === 1);
  const answers = () => daemon.heard.filter(({ call }) => call.startsWith('POST commands/'));
  const tell = async (id: string, kind: string, data: Record<string, unknown> = { barrier: 'b1', hold_ms: 5_000 }) => {
    daemon.command(id, kind, data);
    return until(id, () => answers().find(({ call }) => call === `POST commands/${id}`)?.body);
  };
  const journalled = () => daemon.entries.size;
  return { clock, connection, errors, tell, journalled, ...daemon };
}

describe('a program that is paused', () => {
  it('begins nothing until it is told to go on', async () => {
    const order: string[] = [];
    const { connection, tell, journalled, heard } = await program(() => () => void order.push('goes on'));
    expect(await tell('c1', 'pause')).toEqual({});
    const entry = connection.journal('a').then(() => order.push('a'));
    const call = connection.guard('api', () => order.push('call'));
    expect(await tell('c2', 'get_state', { barrier: 'b1' })).toEqual({ state: 0 });
    expect(await tell('c3', 'resume', { barrier: 'another' })).toEqual({});
    expect([journalled(), heard.some(({ call: one }) => one.includes('permit')), order]).toEqual([0, false, []]);
    expect(await tell('c4', 'resume')).toEqual({});
    await Promise.all([entry, call]);
    expect(order[0]).toBe('goes on');
    expect(journalled()).toBe(1);
    expect(await tell('c5', 'get_state', { barrier: 'b1' })).toEqual({ error: 'Error: it is not paused any more' });
    expect(await tell('c6', 'get_state', {})).toEqual({ state: 1, through: 1 });
  });

  it('journals for others until its state is taken, when it answers them', async () => {
    const { connection, tell, journalled } = await program(() => {}, true);
    expect(await tell('c1', 'pause')).toEqual({});
    await connection.journal('a');
    await connection.guard('api', () => {});
    // What was not acknowledged yet is in the state too.
    const under = connection.journal('b');
    expect(await tell('c2', 'get_state', { barrier: 'b1' })).toEqual({ state: 2, through: 2 });
    const after = [connection.journal('c'), connection.guard('api', () => journalled())];
    expect(await tell('c3', 'resume', { barrier: 'another' })).toEqual({});
    expect(journalled()).toBe(2);
    expect(await tell('c4', 'resume')).toEqual({});
    expect(await Promise.all([under, ...after])).toHaveLength(3);
    expect(journalled()).toBe(3);
    expect(await tell('c5', 'get_state', { barrier: 'b1' })).toEqual({ error: 'Error: it is not paused any more' });
    await connection.journal('d');
  });

  it('goes on by itself when nobody tells it to', async () => {
    const { connection, tell, clock } = await program(() => {});
    await tell('c1', 'pause');
    const entry = connection.journal('a');
    await clock.advance(5_000);
    expect(await entry).toBe(1);
  });

  it('goes on when it is told to before it has paused, and when it is closed', async () => {
    const ready = Promise.withResolvers<void>();
    let gone = 0;
    const { connection, tell, command, heard } = await program(() => ready.promise.then(() => () => void gone++));
    command('c1', 'pause', { barrier: 'b1', hold_ms: 5_000 });
    expect(await tell('c2', 'resume')).toEqual({});
    ready.resolve();
    const answer = await until('c1', () => heard.find(({ call }) => call === 'POST commands/c1'));
    expect(answer.body).toEqual({ error: 'Error: it was paused too late, and goes on' });
    await connection.journal('a');
    await tell('c3', 'pause');
    const entry = connection.journal('b');
    await connection.close();
    expect([await entry, gone]).toEqual([2, 2]);
  });

  it('says why it cannot pause, and goes on', async () => {
    const { connection, tell, errors } = await program(() => Promise.reject(new Error('a payment is under way')));
    expect(await tell('c1', 'pause')).toEqual({ error: 'Error: a payment is under way' });
    await connection.journal('a');
    expect(errors).toEqual(['Error: a payment is under way']);
  });

  /** The first time it is still pausing when it is given up; then it is told to pause again. */
  async function pausedTwice() {
    const ready = Promise.withResolvers<void>();
    const order: string[] = [];
    const one = await program(async () => {
      order.push('asked');
      await ready.promise;
      order.push('paused');
      return () => void order.push('goes on');
    });
    one.command('c1', 'pause', { barrier: 'b1', hold_ms: 5_000 });
    await one.tell('c2', 'resume', { barrier: 'b1' });
    one.command('c3', 'pause', { barrier: 'b2', hold_ms: 5_000 });
    await one.tell('c4', 'get_state', {});
    expect(order).toEqual(['asked']);
    const answer = (id: string) => until(id, () => one.heard.find(({ call }) => call === `POST commands/${id}`)?.body);
    return { ...one, order, ready, answer };
  }

  it('goes on before it pauses again', async () => {
    const { ready, order, answer, tell } = await pausedTwice();
    ready.resolve();
    expect(await answer('c1')).toEqual({ error: 'Error: it was paused too late, and goes on' });
    expect(await answer('c3')).toEqual({});
    expect(order).toEqual(['asked', 'paused', 'goes on', 'asked', 'paused']);
    expect(await tell('c5', 'get_state', { barrier: 'b2' })).toEqual({ state: 0 });
  });

  it('is told how much time is left when it had to wait for that', async () => {
    const ready = Promise.withResolvers<void>();
    const deadlines: number[] = [];
    const { clock, command, tell, heard } = await program(async ({ deadlineMs }) => {
      deadlines.push(deadlineMs);
      await ready.promise;
    });
    command('c1', 'pause', { barrier: 'b1', hold_ms: 5_000 });
    await tell('c2', 'resume', { barrier: 'b1' });
    command('c3', 'pause', { barrier: 'b2', hold_ms: 5_000 });
    await tell('c4', 'get_state', {});
    await clock.advance(2_000);
    ready.resolve();
    await until('c3', () => heard.some(({ call }) => call === 'POST commands/c3'));
    expect(deadlines).toEqual([5_000, 3_000]);
  });

  it('does not pause again for what was given up meanwhile', async () => {
    const { ready, order, answer, tell } = await pausedTwice();
    await tell('c5', 'resume', { barrier: 'b2' });
    ready.resolve();
    expect(await answer('c3')).toEqual({ error: 'Error: it was paused too late, and goes on' });
    expect(order).toEqual(['asked', 'paused', 'goes on']);
  });
});
