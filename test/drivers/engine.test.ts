import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createEngineDriver, type Engine, type Seen } from '../../src/drivers/engine.ts';
import { planFor } from './support.ts';

const ended = { is: 'ended', exit: { code: 0, signal: null }, verdict: null } as const;

/** An engine whose start hangs until its end is wanted and fails then; what it was asked for came up all the same. */
function lateEngine() {
  let seen: Seen = ended;
  const engine: Engine = {
    name: 'x',
    bootId: null,
    everyMs: 1,
    look: () => Promise.resolve(seen),
    start: (_seen, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          seen = { is: 'running', run: 'r' };
          reject(new Error('no answer within 10 s'));
        });
      }),
    stop: () => {
      seen = ended;
      return Promise.resolve();
    },
    kill: () => Promise.resolve(),
  };
  return { engine, isRunning: () => seen.is === 'running' };
}

it('what may have come up after its end was wanted is stopped, though its start has failed', async () => {
  const { engine, isRunning } = lateEngine();
  const driver = createEngineDriver('container', () => engine, { clock: systemClock, onProblem: () => {} });
  const unwanted = new AbortController();
  const starting = driver.start(planFor([]), unwanted.signal);
  await Promise.resolve();
  await systemClock.sleep(1);
  unwanted.abort();
  const running = await starting;
  expect(isRunning()).toBe(true);
  await running.stop({ signal: 'SIGTERM', timeout: 1_000 }, 'stop');
  expect(isRunning()).toBe(false);
  await driver.close();
});
