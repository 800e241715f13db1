import { openSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as Client from '../../src/client/index.ts';

/*
 * A component under load, run as a program: `remembering.ts LEDGER`. Each of its lanes counts up, one journal entry
 * per step; its state is how far each lane has come; it saves that over and over. What was acknowledged, and what it
 * was given at its start, goes to a ledger of its own, so that `ledger.ts` can compare the two afterwards.
 */

const LANES = 8;
const STEP_MS = 4;
const STEPS_BETWEEN_SAVES = 100;

const [, , file = ''] = process.argv;
const ledger = openSync(file, 'a');
const note = (line: unknown): void => void writeSync(ledger, `${JSON.stringify(line)}\n`);

const from = process.env['CLIENT'] ?? new URL('../../src/client/index.ts', import.meta.url).href;
const { connect } = (await import(from)) as typeof Client;
const client = connect();

note({ start: process.pid });
const { checkpointId, state, journal } = await client.restore();
const saved = (state as number[] | null) ?? Array.from({ length: LANES }, () => 0);
const entries = journal.map(({ data }) => data as [lane: number, step: number]);
note({ restored: checkpointId, saved, entries });

const lanes = [...saved];
for (const [lane, step] of entries) lanes[lane] = step;

let steps = 0;
let saving = false;

async function save(): Promise<void> {
  if (saving) return;
  saving = true;
  const { checkpointId: checkpoint } = await client.saveState(lanes);
  note({ checkpoint });
  saving = false;
}

async function count(lane: number): Promise<void> {
  for (let step = (lanes[lane] ?? 0) + 1; ; step++) {
    await client.journal('step', [lane, step]);
    lanes[lane] = step;
    note({ lane, step });
    if (++steps % STEPS_BETWEEN_SAVES === 0) void save().catch(failed);
    await sleep(STEP_MS);
  }
}

function failed(error: unknown): void {
  note({ error: String(error) });
}

await Promise.all(lanes.map((_, lane) => count(lane).catch(failed)));
