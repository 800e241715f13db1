import { describe, expect, it } from 'vitest';
import { componentName, type CheckpointId, type CommandKind } from '../../src/model/index.ts';
import type { Command, CommandLine } from '../../src/supervisor/command-lines.ts';
import { createCommands, type GivenState } from '../../src/supervisor/commands.ts';
import { FakeClock } from '../support/fake-clock.ts';

const planner = componentName('planner');
const mailer = componentName('mailer');
const SECONDS = 1_000;

class Line implements CommandLine {
  readonly kinds: ReadonlySet<CommandKind>;
  readonly heard: Command[] = [];
  ended = false;
  constructor(kinds: readonly CommandKind[]) {
    this.kinds = new Set(kinds);
  }
  send = (command: Command) => void this.heard.push(command);
  end = () => void (this.ended = true);
  get last(): string {
    return this.heard.at(-1)?.id ?? '';
  }
}

function setUp() {
  const clock = new FakeClock();
  const life = new AbortController();
  const stored: unknown[][] = [];
  let refusal: Error | undefined;
  const commands = createCommands({
    clock,
    lifeOf: () => life.signal,
    async putState(component, body, trigger, kind) {
      if (refusal) throw refusal;
      const text = Buffer.concat(body instanceof Uint8Array ? [body] : body).toString();
      stored.push([component, text, trigger, ...(kind ? [kind] : [])]);
      return { checkpoint_id: `CP-${stored.length}` as CheckpointId, kind: kind ?? 'full' };
    },
  });
  const listen = (component = planner, kinds: readonly CommandKind[] = ['get_state']) => {
    const line = new Line(kinds);
    return { line, hangUp: commands.listen(component, line) };
  };
  const refuse = (error: Error) => (refusal = error);
  const ask = (component = planner) => {
    const saved = commands.saveState(component, 'manual', 10 * SECONDS);
    saved.catch(() => {});
    return saved;
  };
  return { clock, life, stored, commands, listen, refuse, ask };
}

const body = (text = '{"state":1}') => Buffer.from(text);
const failing = (why: RegExp) => ({ code: 'ACTION_FAILED', message: expect.stringMatching(why) as string });

describe('a command', () => {
  it('is sent to the component that listens, and its answer is stored as what it was asked for', async () => {
    const { commands, listen, stored, clock } = setUp();
    const { line } = listen();
    const other = listen(mailer).line;
    const saved = commands.saveState(planner, 'alert', 10 * SECONDS);
    expect(line.heard).toEqual([{ kind: 'get_state', id: line.last, data: {} }]);
    expect(other.heard).toEqual([]);
    expect(await commands.answer(planner, line.last, body())).toEqual({ checkpoint_id: 'CP-1', kind: 'full' });
    expect(await saved).toEqual({ checkpoint_id: 'CP-1', kind: 'full' });
    expect(stored).toEqual([['planner', '{"state":1}', 'alert']]);
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['memory', undefined, []],
    [undefined, 'memory', []],
    ['memory', 'memory', ['memory']],
    ['memory', 'full', ['full']],
    ['disk', 'full', ['disk']],
    [undefined, 'full', ['full']],
  ] as const)('keeps a state that two ask for as %s and %s the more demanding way', async (one, other, kept) => {
    const { commands, listen, stored } = setUp();
    const { line } = listen();
    const both = [one, other].map((kind) => commands.saveState(planner, 'manual', 10 * SECONDS, kind));
    await commands.answer(planner, line.last, body());
    const [first, second] = await Promise.all(both);
    expect(second).toEqual(first);
    expect(stored).toEqual([['planner', '{"state":1}', 'manual', ...kept]]);
  });

  it('is one for all who ask at once, and another for who asks later', async () => {
    const { ask, commands, listen } = setUp();
    const { line } = listen();
    const both = Promise.all([ask(), ask()]);
    expect(line.heard).toHaveLength(1);
    await commands.answer(planner, line.last, body());
    expect(await both).toMatchObject([{ checkpoint_id: 'CP-1' }, { checkpoint_id: 'CP-1' }]);
    const third = ask();
    await commands.answer(planner, line.last, body());
    expect(await third).toMatchObject({ checkpoint_id: 'CP-2' });
    expect(new Set(line.heard.map(({ id }) => id)).size).toBe(2);
  });

  it('fails at once for a component that does not listen, or not any more', async () => {
    const { ask, listen } = setUp();
    await expect(ask()).rejects.toMatchObject(failing(/does not listen for commands.*onGetState/));
    listen().hangUp();
    await expect(ask()).rejects.toMatchObject(failing(/does not listen/));
  });

  it('fails at its deadline, and the answer comes too late', async () => {
    const { ask, clock, commands, listen, stored } = setUp();
    const { line } = listen();
    const saved = ask();
    await clock.advance(10 * SECONDS);
    await expect(saved).rejects.toMatchObject(failing(/did not answer within 10s/));
    await expect(commands.answer(planner, line.last, body())).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    expect(stored).toEqual([]);
  });

  it('fails with the life of the component, whose lines end', async () => {
    const { ask, clock, life, listen } = setUp();
    const { line } = listen();
    const saved = ask();
    life.abort();
    await expect(saved).rejects.toMatchObject(failing(/ended before it answered/));
    expect(line.ended).toBe(true);
    expect(clock.pending).toBe(0);
    await expect(ask()).rejects.toMatchObject(failing(/does not listen/));
  });

  it('fails with the reason of a component that cannot', async () => {
    const { ask, commands, listen } = setUp();
    const { line } = listen();
    const saved = ask();
    commands.decline(planner, line.last, 'not now');
    await expect(saved).rejects.toMatchObject(failing(/it answered: not now/));
    expect(() => commands.decline(planner, line.last, 'again')).toThrow('Nobody waits');
  });

  it('fails for both when the answer cannot be stored', async () => {
    const { ask, commands, listen, refuse } = setUp();
    const { line } = listen();
    const saved = ask();
    refuse(new Error('state: is missing'));
    await expect(commands.answer(planner, line.last, body('{}'))).rejects.toThrow('state: is missing');
    await expect(saved).rejects.toMatchObject(failing(/not stored: state: is missing/));
  });

  it.each([
    ['of another component', mailer, (id: string) => id],
    ['that never was', planner, () => 'beef'],
  ])('%s cannot be answered', async (_, component, idOf) => {
    const { ask, commands, listen, stored } = setUp();
    const { line } = listen();
    void ask();
    const answered = commands.answer(component, idOf(line.last), body());
    await expect(answered).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND', http: 404 });
    expect(stored).toEqual([]);
  });

  it('is answered once', async () => {
    const { ask, commands, listen, stored } = setUp();
    const { line } = listen();
    void ask();
    const twice = [1, 2].map(() => commands.answer(planner, line.last, body()));
    expect(await Promise.allSettled(twice)).toMatchObject([
      { value: { checkpoint_id: 'CP-1' } },
      { reason: { code: 'COMMAND_NOT_FOUND' } },
    ]);
    expect(stored).toHaveLength(1);
  });
});

describe('the lines of one component', () => {
  it('get the commands at the newest, and the one before takes over when it goes', () => {
    const { ask, listen } = setUp();
    const [first, second] = [listen(), listen()];
    void ask();
    expect([first.line.heard.length, second.line.heard.length]).toEqual([0, 1]);
    second.hangUp();
    expect(first.line.heard).toEqual(second.line.heard);
    const third = listen();
    expect(third.line.heard).toEqual(first.line.heard);
  });

  it('are at most four: the oldest ends', () => {
    const { listen } = setUp();
    const lines = [1, 2, 3, 4, 5].map(() => listen().line);
    expect(lines.map(({ ended }) => ended)).toEqual([true, false, false, false, false]);
  });

  it('hang up as often as they like', async () => {
    const { ask, listen, commands } = setUp();
    const first = listen();
    const second = listen();
    first.hangUp();
    first.hangUp();
    const saved = ask();
    await commands.answer(planner, second.line.last, body());
    expect(await saved).toMatchObject({ checkpoint_id: 'CP-1' });
  });
});

describe('kinds of commands', () => {
  const given = { checkpoint_id: 'CP-7', state: { n: 1 } } as unknown as GivenState;
  const orderTo = ({ commands }: ReturnType<typeof setUp>, kind: 'shutdown' | 'reload' = 'shutdown') => {
    const done = commands.order(planner, kind, { why: 'x' }, 10 * SECONDS);
    done.catch(() => {});
    return done;
  };

  it('go to the newest line that listens for them only', async () => {
    const house = setUp();
    const state = house.listen(planner, ['get_state', 'shutdown']).line;
    const leave = house.listen(planner, ['shutdown']).line;
    void house.ask();
    const left = orderTo(house);
    expect(state.heard.map(({ kind }) => kind)).toEqual(['get_state']);
    expect(leave.heard).toEqual([{ kind: 'shutdown', id: leave.last, data: { why: 'x' } }]);
    expect(house.commands.kindOf(planner, leave.last)).toBe('shutdown');
    house.commands.done(planner, leave.last);
    await left;
    expect(house.commands.hears(planner, 'reload')).toBe(false);
    await expect(orderTo(house, 'reload')).rejects.toMatchObject(failing(/reload of.*does not listen.*onReload/));
  });

  it('go to the line that is left when the newest for them hangs up', () => {
    const house = setUp();
    const both = house.listen(planner, ['get_state', 'shutdown']).line;
    const { line, hangUp } = house.listen(planner, ['shutdown']);
    void orderTo(house);
    void house.ask();
    hangUp();
    expect(both.heard.map(({ kind }) => kind)).toEqual(['get_state', 'shutdown']);
    expect(both.last).toBe(line.last);
  });

  it('as part of something wait for an older one within their own time', async () => {
    const { commands, listen, clock, ask } = setUp();
    listen();
    void ask();
    await clock.advance(4 * SECONDS);
    const over = new AbortController();
    const part = commands.saveState(planner, 'manual', 10 * SECONDS, undefined, { barrier: 'b', signal: over.signal });
    const late = expect(part).rejects.toMatchObject(failing(/did not answer within/));
    await clock.advance(6 * SECONDS);
    await clock.advance(4 * SECONDS);
    await late;
    expect(clock.pending).toBe(0);
  });

  it('bring a state along, and the newest of two counts', async () => {
    const { commands, listen } = setUp();
    const { line } = listen(planner, ['set_state']);
    const give = () => Promise.resolve(given);
    const older = commands.setState(planner, null, give, 10 * SECONDS);
    const newer = commands.setState(planner, given.checkpoint_id, give, 10 * SECONDS);
    await expect(older).rejects.toMatchObject(failing(/another state meanwhile/));
    expect(line.heard.map(({ data }) => data)).toEqual([{ checkpoint_id: null }, { checkpoint_id: 'CP-7' }]);
    expect(await commands.stateFor(planner, line.last)).toBe(given);
    commands.done(planner, line.last);
    expect(await newer).toBe(true);
    await expect(commands.stateFor(planner, line.last)).rejects.toThrow('Nobody waits');
  });

  it.each([
    ['has asked for it and did not say in time whether it took it', true],
    ['has not even asked for it in time', false],
  ])('tell apart who %s', async (_, hasAsked) => {
    const { commands, clock, listen } = setUp();
    const { line } = listen(planner, ['set_state']);
    const taken = commands.setState(planner, null, () => Promise.resolve(given), 10 * SECONDS);
    const told = expect(taken);
    const outcome = hasAsked ? told.resolves.toBe(false) : told.rejects.toMatchObject(failing(/within 10s/));
    if (hasAsked) await commands.stateFor(planner, line.last);
    await clock.advance(10 * SECONDS);
    await outcome;
    expect(() => commands.done(planner, line.last)).toThrow('Nobody waits');
  });

  it('are announced to all who listen, and who comes later is told what is so', () => {
    const clock = new FakeClock();
    const commands = createCommands({
      clock,
      lifeOf: () => new AbortController().signal,
      putState: () => Promise.reject(new Error('no')),
      known: (kind) => (kind === 'breaker' ? [{ breaker: 'gpt', state: 'open' }] : []),
    });
    const [first, deaf, second] = [new Line(['breaker']), new Line(['get_state']), new Line(['breaker', 'shutdown'])];
    const part = new Line(['breaker']);
    commands.listen(planner, first);
    commands.listen(planner, part);
    commands.listen(planner, deaf);
    commands.listen(mailer, second);
    commands.announce('breaker', { breaker: 'gpt', state: 'closed' });
    for (const { heard } of [first, part, second])
      expect(heard.map(({ data }) => data['state'])).toEqual(['open', 'closed']);
    expect(deaf.heard).toEqual([]);
    expect(() => commands.done(planner, first.last)).toThrow('Nobody waits');
    expect(clock.pending).toBe(0);
  });
});
