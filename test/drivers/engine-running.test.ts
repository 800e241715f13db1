import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createEngineRunning } from '../../src/drivers/engine-running.ts';
import type { Engine } from '../../src/drivers/engine.ts';
import { componentName } from '../../src/model/index.ts';

it('a run that has ended is not held by the driver that made it', async () => {
  const closed = new AbortController().signal;
  const ended = { is: 'ended', exit: { code: 0, signal: null }, verdict: null } as const;
  const engine: Engine = {
    name: 'x',
    bootId: null,
    everyMs: 1,
    look: () => Promise.resolve(ended),
    start: () => Promise.resolve({ is: 'running', run: null }),
    stop: () => Promise.resolve(),
    kill: () => Promise.resolve(),
  };
  const identity = { engine: 'commands', name: 'x', run: null, bootId: null } as const;
  const run = { engine, component: componentName('x'), identity, seen: null, adopted: false, closed };
  await createEngineRunning(run, { clock: systemClock, onProblem: () => {} }).exited;
  expect(getEventListeners(closed, 'abort')).toEqual([]);
});
