import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createStateStore } from '../src/checkpoints/index.ts';
import { systemClock } from '../src/clock.ts';
import { componentName } from '../src/model/index.ts';
import { folder, record } from './harness.ts';

/*
 * Durable checkpoints a second, acknowledged one by one, of 64 components that all save as fast as they are answered:
 * ours, and LangGraph's SqliteSaver on the same SQLite with `synchronous=FULL`, in turn, in one process.
 * With --encrypted ours are encrypted (`state_encryption`), and theirs are not: SqliteSaver has no such thing.
 * Usage: node bench/checkpoints.ts [--encrypted] [SECONDS=3] [ROUNDS=3]
 */
const { values: options, positionals } = parseArgs({
  options: { encrypted: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [SECONDS = 3, ROUNDS = 3] = positionals.map(Number);
const keys = options.encrypted ? [randomBytes(32)] : [];
const COMPONENTS = 64;

const noise = (length: number): string => randomBytes(length).toString('base64').slice(0, length);
const message = (step: number) => ({ id: `${step}`, role: 'assistant', content: noise(150) });

interface State {
  step: number;
  notes: string;
  messages: ReturnType<typeof message>[];
}
/** Half of it is a conversation, half of it is what was noted. */
const stateOf = (bytes: number): State => ({
  step: 0,
  notes: noise(bytes / 2),
  messages: Array.from({ length: Math.floor(bytes / 2 / 200) }, (_, step) => message(step)),
});

/** Something that stores states durably: resolves when it is on disk. */
interface Saver {
  save(component: number, state: State): Promise<void>;
  close(): Promise<void>;
  sizeBytes(): number;
}
type Open = (path: string) => Promise<Saver>;

const ours =
  (how: 'put' | 'patch'): Open =>
  async (path) => {
    const file = join(path, 'state.db');
    const store = createStateStore({ file, eventsFile: null, clock: systemClock, emit: () => {}, keys });
    const bases: (string | undefined)[] = [];
    const json = (body: object) => Buffer.from(JSON.stringify(body));
    return {
      async save(index, state) {
        const component = componentName(`component-${index}`);
        const base = bases[index];
        const last = state.messages.at(-1);
        const operations = [
          { op: 'replace', path: '/step', value: state.step },
          { op: 'remove', path: '/messages/0' },
          { op: 'add', path: '/messages/-', value: last },
        ];
        const { checkpoint_id } =
          how === 'patch' && base !== undefined
            ? await store.patchState(component, json({ base, operations }), 'interval')
            : await store.putState(component, json({ state }), 'interval');
        bases[index] = checkpoint_id;
      },
      close: () => store.close(),
      sizeBytes: () => statSync(file).size,
    };
  };

interface SqliteSaver {
  db: { pragma(text: string): void; close(): void };
  setup(): void;
  put(config: object, checkpoint: object, metadata: object): Promise<unknown>;
}

const langgraph: Open = async (path) => {
  const { SqliteSaver } = (await import(
    join(import.meta.dirname, 'node_modules/@langchain/langgraph-checkpoint-sqlite/dist/index.js')
  )) as { SqliteSaver: { fromConnString(file: string): SqliteSaver } };
  const file = join(path, 'langgraph.db');
  const saver = SqliteSaver.fromConnString(file);
  saver.setup();
  saver.db.pragma('synchronous = FULL');
  let count = 0;
  return {
    async save(index, state) {
      const id = `1f0${String(++count).padStart(12, '0')}`;
      const config = { configurable: { thread_id: `component-${index}`, checkpoint_ns: '' } };
      const checkpoint = {
        v: 4,
        id,
        ts: new Date().toISOString(),
        channel_values: { state },
        channel_versions: { state: state.step },
        versions_seen: {},
      };
      await saver.put(config, checkpoint, { source: 'loop', step: state.step, parents: {} });
    },
    async close() {
      saver.db.close();
    },
    sizeBytes: () => statSync(file).size,
  };
};

/** What happens between two saves: all of it, or one message in and one out. */
type Change = (state: State) => State;
const everything =
  (bytes: number): Change =>
  ({ step }) => ({ ...stateOf(bytes), step: step + 1 });
const aLittle: Change = ({ step, notes, messages }) => ({
  step: step + 1,
  notes,
  messages: [...messages.slice(1), message(step)],
});

async function measure(open: Open, bytes: number, change: Change) {
  const home = folder();
  const saver = await open(home.path);
  const states = Array.from({ length: COMPONENTS }, () => stateOf(bytes));
  // What changes is made beforehand: it is not what is measured.
  const next = states.map((state) => {
    const steps: State[] = [state];
    for (let step = 0; step < 20; step++) steps.push(change(steps.at(-1) ?? state));
    return steps;
  });
  await Promise.all(states.map((state, index) => saver.save(index, state)));
  const before = saver.sizeBytes();
  let saved = 0;
  const began = performance.now();
  const end = began + SECONDS * 1_000;
  await Promise.all(
    next.map(async (steps, index) => {
      for (let turn = 1; performance.now() < end; turn++) {
        await saver.save(index, steps[turn % steps.length] ?? stateOf(bytes));
        saved++;
      }
    }),
  );
  const perSecond = saved / ((performance.now() - began) / 1_000);
  await saver.close();
  const storedBytes = (saver.sizeBytes() - before) / saved;
  home.remove();
  return { perSecond: Math.round(perSecond), storedBytes: Math.round(storedBytes) };
}

const KB = 1_000;
const rows = {
  '1 KB by PUT': { bytes: KB, how: 'put', change: everything(KB) },
  '100 KB by PATCH': { bytes: 100 * KB, how: 'patch', change: aLittle },
  '100 KB by PUT, a little changes': { bytes: 100 * KB, how: 'put', change: aLittle },
  '100 KB by PUT, all of it changes': { bytes: 100 * KB, how: 'put', change: everything(100 * KB) },
} as const;

type Measured = Awaited<ReturnType<typeof measure>>;
interface Round {
  readonly theirs: Measured;
  readonly ours: Measured;
  readonly ratio: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const figures: Record<string, unknown> = {};
for (const [name, { bytes, how, change }] of Object.entries(rows)) {
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const theirs = await measure(langgraph, bytes, change);
    const mine = await measure(ours(how), bytes, change);
    rounds.push({ theirs, ours: mine, ratio: mine.perSecond / theirs.perSecond });
  }
  const of = (pick: (round: Round) => number) => median(rounds.map(pick));
  figures[name] = {
    ratio: Number(of(({ ratio }) => ratio).toFixed(1)),
    ratios: rounds.map(({ ratio }) => Number(ratio.toFixed(1))),
    ours_per_second: of((round) => round.ours.perSecond),
    langgraph_per_second: of((round) => round.theirs.perSecond),
    our_bytes_per_checkpoint: of((round) => round.ours.storedBytes),
    our_bytes_of_the_state: Number((of((round) => round.ours.storedBytes) / bytes).toFixed(4)),
    langgraph_bytes_per_checkpoint: of((round) => round.theirs.storedBytes),
  };
  console.log(name, figures[name]);
}
const setting = { seconds: SECONDS, rounds: ROUNDS, components: COMPONENTS, encrypted: options.encrypted };
record(options.encrypted ? 'checkpoints-encrypted' : 'checkpoints', { ...setting, figures });
