import { expect, it } from 'vitest';
import { python } from './python.ts';

const entry = { entry_id: 7, at: 5, operation: 'add', data: 'a', schema_version: 1 };
const saved = { checkpoint_id: 'CP-9', state: { a: 1 }, schema_version: 1, journal: [entry], data_loss_seconds: 0 };

/** What a program of schema version 2 is given, or why not; then it saves. One life for each migration from 1. */
async function restored(migrations: readonly string[], given: object = saved) {
  const program = `
for migration in [${migrations.join(', ')}]:
    line = paramedic.connect(schema_version=2, migrations={1: migration})
    try:
        say(line.restore())
    except paramedic.Unreadable as error:
        say(f"{error.code}: {error}")
    try:
        line.save_state({})
    except paramedic.Unreadable as error:
        assert error.code == "MIGRATION_FAILED"
`;
  const { exited, said, errors, heard } = await python(program, ({ call }) =>
    call === 'GET state' ? { status: 200, body: given } : undefined,
  );
  await exited;
  expect(errors()).toBe('');
  return { said, writes: heard.filter(({ call }) => call !== 'GET state').length };
}

it('a program in Python is given what was saved in an older shape in its own', async () => {
  const widen = '{"state": lambda state: [state], "entry": lambda said: {"operation": "new", "data": [said["data"]]}}';
  const { said, writes } = await restored([widen]);
  const journal = [{ ...entry, operation: 'new', data: ['a'] }];
  expect(said).toEqual([{ ...saved, state: [{ a: 1 }], journal, schema_version: 2, migrated_from: 1 }]);
  expect(writes).toBe(1);
});

it('a program in Python is given what was only journalled in its own shape, too', async () => {
  const journal = [{ ...entry, schema_version: null }];
  const change = '{"entry": lambda said: {"operation": "new", "data": [said["data"]]}}';
  const { said } = await restored([change], { ...saved, checkpoint_id: null, state: null, journal });
  expect(said).toMatchObject([{ state: null, migrated_from: null, journal: [{ operation: 'new', data: ['a'] }] }]);
});

it('a program in Python is not given what it cannot read, and puts nothing in its place', async () => {
  const bad = [
    ['lambda state: state.update(b=1)', 'checkpoint CP-9', 'it gave back nothing'],
    ['{"entry": lambda said: said.update(data=1)}', 'journal entry 7', 'it gave back no operation with data'],
    ['{"entry": lambda said: {"operation": "new"}}', 'journal entry 7', 'it gave back no operation with data'],
    ['{"entry": lambda said: {"data": 1}}', 'journal entry 7', 'it gave back no operation with data'],
    ['{"entry": lambda said: said["gone"]}', 'journal entry 7', "KeyError: 'gone'"],
  ] as const;
  const { said, writes } = await restored(bad.map(([migration]) => migration));
  const why = bad.map(([, of, wrong]) => `${of} could not be migrated from schema version 1 to 2: ${wrong}`);
  expect(said).toEqual(why.map((one) => `MIGRATION_FAILED: ${one}`));
  expect(writes).toBe(0);
});
