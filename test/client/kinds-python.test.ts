import { expect, it } from 'vitest';
import { python } from './python.ts';

it('a program in Python says how a checkpoint is to be kept, and goes on saying that it has changed until it is on disk', async () => {
  const program = `
line = paramedic.connect(schema_version=2, migrations={1: lambda state: state})
line.restore()
for kind in ["memory", "disk", None]:
    say(line.save_state({}, kind=kind))
    line.heartbeat()
`;
  const kinds: (string | null)[] = [];
  const { exited, said, errors, heard } = await python(program, ({ call, query }) => {
    const saved = { checkpoint_id: 'CP-1', state: {}, schema_version: 1, journal: [], data_loss_seconds: 0 };
    if (call === 'GET state') return { status: 200, body: saved };
    if (call !== 'PUT state') return undefined;
    const kind = new URLSearchParams(query).get('kind');
    kinds.push(kind);
    return { status: 200, body: { checkpoint_id: `CP-${kinds.length}`, kind: kind ?? 'full' } };
  });
  await exited;
  expect(errors()).toBe('');
  expect(said).toEqual(['CP-1', 'CP-2', 'CP-3']);
  expect(kinds).toEqual(['memory', 'disk', null]);
  const beats = heard.filter(({ call }) => call === 'POST heartbeat').map(({ body }) => body);
  expect(beats).toEqual([{ state: 'dirty' }, {}, {}]);
});
