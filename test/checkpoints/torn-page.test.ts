import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { open, planner } from './stores.ts';

const PAGE_BYTES = 4_096;

it('a page of the journal that is no page any more is a gap, and what lies before it is given', async () => {
  const first = open();
  const { checkpoint_id: id } = await first.put(planner, { state: 'begun' });
  const steps = Array.from({ length: 400 }, (_, n) => `step-${n}-${'x'.repeat(80)}`);
  await first.journal(planner, ...steps);
  await first.store.close();
  const bytes = readFileSync(first.file);
  const at = bytes.indexOf('step-200-');
  bytes[at - (at % PAGE_BYTES)] = 0;
  writeFileSync(first.file, bytes);

  const { store } = open({ file: first.file });
  const { checkpoint_id, journal, lost_entries } = await store.getState(planner, null);
  expect(checkpoint_id).toBe(id);
  expect(journal.length).toBeGreaterThan(100);
  expect(journal.length).toBeLessThan(201);
  expect(journal.every(({ operation }, n) => operation === steps[n])).toBe(true);
  expect(lost_entries).toEqual([{ after: journal.at(-1)?.entry_id, before: 401 }]);
});
