import { describe, expect, it } from 'vitest';
import { componentName, type CommandKind } from '../../src/model/index.ts';
import type { Command } from '../../src/supervisor/command-lines.ts';
import { createCommands } from '../../src/supervisor/commands.ts';
import { createAskToLeave } from '../../src/supervisor/leave.ts';
import { FakeClock } from '../support/fake-clock.ts';

const planner = componentName('planner');

/** A component with ten seconds to leave, that listens for what it is given. */
function setUp(kinds: readonly CommandKind[] = ['shutdown']) {
  const clock = new FakeClock();
  const life = new AbortController();
  const commands = createCommands({ clock, putState: () => Promise.reject(new Error()), lifeOf: () => life.signal });
  const heard: Command[] = [];
  commands.listen(planner, { kinds: new Set(kinds), send: (command) => void heard.push(command), end: () => {} });
  const { promise: exited, resolve: exit } = Promise.withResolvers<unknown>();
  let left: number | undefined;
  const asked = createAskToLeave({ clock, commands })(planner, exited, 10_000, 'because').then((ms) => (left = ms));
  return { clock, commands, heard, exit, asked, left: () => left, life };
}

describe('a component that is asked to leave', () => {
  it('gets the signal at once when it does not listen for that', async () => {
    const { asked, heard } = setUp(['reload']);
    expect(await asked).toBe(10_000);
    expect(heard).toEqual([]);
  });

  it('saves its state first, and is not waited for longer than it can spare', async () => {
    const { asked, clock, heard } = setUp(['get_state', 'shutdown']);
    expect(heard).toMatchObject([{ kind: 'get_state' }]);
    await clock.advance(2_000);
    expect(heard).toMatchObject([{ kind: 'get_state' }, { kind: 'shutdown', data: { deadline_ms: 6_000 } }]);
    await clock.advance(1_000);
    expect(await asked).toBe(7_200);
  });

  it('is told how long it has, and gets no signal while it has it', async () => {
    const { asked, clock, commands, heard, left } = setUp();
    expect(heard).toMatchObject([{ kind: 'shutdown', data: { why: 'because', deadline_ms: 7_500 } }]);
    await clock.advance(900);
    commands.done(planner, heard[0]!.id);
    await clock.advance(6_500);
    expect(left()).toBeUndefined();
    await clock.advance(100);
    expect(await asked).toBe(2_500);
    expect(clock.pending).toBe(0);
  });

  it('has nothing to wait for once it has gone', async () => {
    const { asked, clock, commands, heard, exit, life } = setUp();
    commands.done(planner, heard[0]!.id);
    await clock.advance(300);
    exit(0);
    expect(await asked).toBe(9_700);
    life.abort();
    expect(clock.pending).toBe(0);
  });

  it('has gone without an answer', async () => {
    const { asked, clock, exit, life } = setUp();
    await clock.advance(10);
    exit(0);
    expect(await asked).toBe(9_990);
    life.abort();
    expect(clock.pending).toBe(0);
  });

  it('that hangs gets the signal after a second, within the time it has', async () => {
    const { asked, clock } = setUp();
    await clock.advance(1_000);
    expect(await asked).toBe(9_000);
    expect(clock.pending).toBe(0);
  });

  it('that will not gets the signal at once', async () => {
    const { asked, commands, heard } = setUp();
    commands.decline(planner, heard[0]!.id, 'no');
    expect(await asked).toBe(10_000);
  });
});
