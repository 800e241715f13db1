import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCheckpointFiles } from '../../src/checkpoints/checkpoint-files.ts';
import { createGroupCommit } from '../../src/checkpoints/group-commit.ts';
import { stateMigrations } from '../../src/checkpoints/migrations.ts';
import { bodyInvalid } from '../../src/checkpoints/refusal.ts';
import { createStateDatabase } from '../../src/checkpoints/state-database.ts';
import { openDatabase } from '../../src/storage/open.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';
import { json, planner } from './stores.ts';

function openStates() {
  const db = openDatabase(join(tempFolder(), 'state.db'), { synchronous: 'FULL', migrations: stateMigrations });
  return { db, states: createStateDatabase(db, createCheckpointFiles(tempFolder())) };
}

describe('a group of writes', () => {
  const entriesOf = (operations: readonly string[]) =>
    operations.map((operation, id) => ({
      id,
      job: 'journal' as const,
      component: planner,
      body: json({ operation }),
      at: new FakeClock().now(),
    }));

  it('is one transaction, whichever of them is refused', () => {
    const { db, states } = openStates();
    const { commitGroup, commits } = createGroupCommit(db, states);
    const answers = commitGroup(entriesOf(['a', '', 'c']));
    expect(answers).toMatchObject([{ id: 0 }, { id: 1, refused: { code: 'BODY_INVALID' } }, { id: 2 }]);
    expect(states.journalled.after(planner, 0, null).entries).toHaveLength(2);
    expect(commits()).toBe(1);
    db.close();
  });

  it('keeps nothing of a write that was refused half-way, and all of the others', () => {
    const { db, states } = openStates();
    const journal: typeof states.journal = (entry) => {
      const answer = states.journal(entry);
      if (Buffer.from(entry.body).includes('bad')) throw bodyInvalid('', 'noticed late');
      return answer;
    };
    const { commitGroup, commits } = createGroupCommit(db, { ...states, journal });
    const answers = commitGroup(entriesOf(['a', 'bad', 'c']));
    expect(answers).toMatchObject([{ id: 0 }, { id: 1, refused: { code: 'BODY_INVALID' } }, { id: 2 }]);
    expect(states.journalled.after(planner, 0, null).entries).toMatchObject([
      expect.stringContaining('"operation":"a"'),
      expect.stringContaining('"operation":"c"'),
    ]);
    expect(commits()).toBe(2);
    db.close();
  });

  it.each([
    { kinds: ['full', 'memory'], newest: ['memory', 2] },
    { kinds: ['memory', 'full'], newest: ['full', 1] },
  ] as const)('keeps the newest state of a component: $kinds', ({ kinds, newest }) => {
    const { db, states } = openStates();
    const { commitGroup } = createGroupCommit(db, states, () => void states.settle());
    const at = new FakeClock().now();
    commitGroup(
      kinds.map((kind, id) => ({
        id,
        job: 'put',
        component: planner,
        body: json({ state: id }),
        trigger: 'interval',
        at,
        kind,
      })),
    );
    const [first, ...others] = states.checkpoints.list(planner);
    expect([first?.kind, first?.sequence]).toEqual(newest);
    expect(others).toHaveLength(newest[1] - 1);
    db.close();
  });
});
