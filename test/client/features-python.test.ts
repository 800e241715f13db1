import { expect, it } from 'vitest';
import { until } from '../support/temp.ts';
import { python } from './python.ts';

const answer = { success: false, error: 'voice temporarily unavailable', fallback: true, message: 'text only' };
const off = { enabled: false, reason: 'the level is reduced, and its priority low', fallback: answer };
const on = { enabled: true, reason: null, fallback: null };
const full = { level: 'full', features: { voice: on } };
const reduced = { level: 'reduced', features: { voice: off } };

it('a program in Python does without what is off, and hears of each change once, whoever listens', async () => {
  const program = `
line = paramedic.connect()
def changed(news):
    say(["first", news["level"]])
features = line.features(changed)
def now():
    spoken = features.run("voice", lambda: "aloud")
    kept = features.run("voice", lambda: "aloud", lambda answer: answer["message"])
    say([features.level, features.is_available("voice"), features.is_available("unheard_of"), spoken, kept])
now()
for order in sys.stdin:
    if order.strip() == "now":
        now()
    elif order.strip() == "another":
        line.on_degradation(lambda news: say(["second", news["level"]]))
    else:
        features.close()
        say(["closed"])
`;
  const { said, errors, streams, command, tell } = await python(program);
  const hears = (...what: unknown[]) =>
    until(`it to say ${JSON.stringify(what)}`, () => said.some((one) => JSON.stringify(one) === JSON.stringify(what)));
  await hears('full', true, true, 'aloud', 'aloud');
  await until('it listens', () => streams.length === 1);
  command('c1', 'degradation', full);
  await hears('first', 'full');
  command('c2', 'degradation', reduced);
  await hears('first', 'reduced');
  tell('now');
  await hears('reduced', false, true, answer, 'text only');

  tell('another');
  await hears('second', 'reduced');
  streams[0]?.destroy();
  await until('it listens again', () => streams.length === 2);
  command('c3', 'degradation', reduced);
  tell('close');
  await hears('closed');
  command('c4', 'degradation', full);
  await hears('second', 'full');
  expect(said.filter((one) => (one as unknown[])[0] === 'first')).toEqual([
    ['first', 'full'],
    ['first', 'reduced'],
  ]);
  expect(said.filter((one) => (one as unknown[])[0] === 'second')).toHaveLength(2);
  expect(errors()).toBe('');
});
