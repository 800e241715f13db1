import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createCheckpointFiles } from '../../src/checkpoints/checkpoint-files.ts';
import { createGroupCommit } from '../../src/checkpoints/group-commit.ts';
import { stateMigrations } from '../../src/checkpoints/migrations.ts';
import { createStateDatabase } from '../../src/checkpoints/state-database.ts';
import { componentName, type ComponentName } from '../../src/model/index.ts';
import { openDatabase } from '../../src/storage/open.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';
import { json, planner, writer } from './stores.ts';

const FRAME_BYTES = 4_096 + 24;

function openStates(file = join(tempFolder(), 'state.db')) {
  const db = openDatabase(file, { synchronous: 'FULL', migrations: stateMigrations });
  onTestFinished(() => void db.close());
  return { db, file, states: createStateDatabase(db, createCheckpointFiles(tempFolder())) };
}

const put = (component: ComponentName, state: unknown, id = 0) => ({
  id,
  job: 'put' as const,
  component,
  body: json({ state }),
  trigger: 'interval' as const,
  at: new FakeClock().now(),
});

describe('the order of the checkpoints of each component', () => {
  it('costs a component that saves no page of its own', () => {
    const { db, file, states } = openStates();
    const { commitGroup } = createGroupCommit(db, states);
    const components = Array.from({ length: 64 }, (_, index) => componentName(`component-${index}`));
    const saveAll = () => commitGroup(components.map((component, id) => put(component, 'small', id)));
    // As many as it takes to fill more pages of an index than there are components.
    for (let turn = 0; turn < 150; turn++) saveAll();
    const before = statSync(`${file}-wal`).size;
    saveAll();
    expect((statSync(`${file}-wal`).size - before) / FRAME_BYTES).toBeLessThan(components.length / 2);
    expect(states.checkpoints.list(componentName('component-63'))).toHaveLength(151);
  });

  it('knows nothing of a transaction that has failed', () => {
    const { db, states } = openStates();
    const fail = db.transaction(() => {
      states.put(put(planner, 'lost'));
      expect(states.checkpoints.list(planner)).toHaveLength(1);
      throw new Error('the disk is full');
    });
    expect(fail).toThrow('the disk is full');
    states.forget();
    expect(states.checkpoints.list(planner)).toEqual([]);
    const stored = db.transaction(() => states.put(put(planner, 'kept')))();
    expect(states.checkpoints.list(planner)).toMatchObject([{ checkpoint_id: stored.checkpoint_id, sequence: 1 }]);
  });

  it('goes on when what is past its time has gone', () => {
    const { states } = openStates();
    const ids = ['a', 'b', 'c'].map((state) => states.put(put(planner, state)).checkpoint_id);
    expect(states.expire({ component: planner, sequences: [1, 2] })).toBe(2);
    expect(states.checkpoints.list(planner)).toMatchObject([{ checkpoint_id: ids[2], sequence: 3 }]);
    states.put(put(planner, 'd'));
    expect(states.checkpoints.list(planner).map(({ sequence }) => sequence)).toEqual([4, 3]);
  });

  it('has two in one place where a bit has flipped in the file, and both go', () => {
    const { db, file, states } = openStates();
    for (const state of ['a', 'b', 'c']) states.put(put(planner, state));
    db.exec('UPDATE checkpoint SET sequence = 2 WHERE sequence = 3');
    db.close();
    const next = openStates(file).states;
    expect(next.checkpoints.list(planner).map(({ sequence }) => sequence)).toEqual([2, 2, 1]);
    expect(next.expire({ component: planner, sequences: [2] })).toBe(2);
    expect(next.checkpoints.list(planner).map(({ sequence }) => sequence)).toEqual([1]);
  });

  it('tells the newest entry that they hold without a look at all of them, whatever is stored and goes', () => {
    const { db, states } = openStates();
    const { commitGroup } = createGroupCommit(db, states);
    const body = (through: number) => ({ ...put(planner, through), body: json({ state: through, through }) });
    const journal = { id: 0, job: 'journal' as const, component: planner, at: new FakeClock().now() };
    commitGroup(Array.from({ length: 9 }, () => ({ ...journal, body: json({ operation: 'x' }) })));
    commitGroup([body(9), body(4)]);
    db.exec('DELETE FROM journal');
    expect(states.journalled.last(planner)).toBe(9);
    commitGroup([body(8), body(7)]);
    expect(states.journalled.last(planner)).toBe(9);
    states.expire({ component: planner, sequences: [1] });
    expect(states.journalled.last(planner)).toBe(8);
    commitGroup([body(9)]);
    expect(states.journalled.last(planner)).toBe(9);
    expect(() =>
      db.transaction(() => {
        states.expire({ component: planner, sequences: [5] });
        expect(states.journalled.last(planner)).toBe(8);
        throw new Error('the disk is full');
      })(),
    ).toThrow('the disk is full');
    expect(states.journalled.last(planner)).toBe(9);
    expect(states.journalled.last(writer)).toBeNull();

    const many = 50_000;
    db.exec(
      `WITH RECURSIVE n (i) AS (VALUES (10) UNION ALL SELECT i + 1 FROM n WHERE i < ${many})
       INSERT INTO checkpoint (id, component, sequence, at, kind, "trigger", schema_version, through, parent, root,
         size_bytes, stored_bytes, encoding, sha256, chain, request, state)
       SELECT 'CP-' || i, 'planner', i, 0, 'full', 'interval', 1, 3, NULL, i, 1, 1, 'json', '', '', NULL, x'31' FROM n`,
    );
    const took = () => {
      const begun = performance.now();
      for (let time = 0; time < 20; time++) states.journalled.last(planner);
      return performance.now() - begun;
    };
    expect(states.journalled.last(planner)).toBe(9);
    // A look at all of them takes some milliseconds, each time.
    expect(Math.min(took(), took(), took())).toBeLessThan(10);
  });
});
