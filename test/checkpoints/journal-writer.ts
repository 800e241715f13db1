import { createStateStore } from '../../src/checkpoints/create-state-store.ts';
import { systemClock } from '../../src/clock.ts';
import { componentName } from '../../src/model/index.ts';

/** Journals as fast as it can from eight writers at once, and prints each acknowledged entry, until it is killed. */
const store = createStateStore({ file: process.argv[2] ?? '', eventsFile: null, clock: systemClock, emit: () => {} });
const planner = componentName('planner');
async function write(): Promise<never> {
  for (;;) {
    const answer = await store.appendJournal(planner, Buffer.from('{"operation":"count"}'));
    if ('entry_id' in answer) process.stdout.write(`${answer.entry_id}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, write));
