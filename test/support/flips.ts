import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cipher } from '../../src/checkpoints/cipher.ts';
import { createGroupCommit } from '../../src/checkpoints/group-commit.ts';
import { openStates } from '../../src/checkpoints/open-states.ts';
import { isSame } from '../../src/checkpoints/patch.ts';
import { verify } from '../../src/checkpoints/read.ts';
import { restore } from '../../src/checkpoints/restore.ts';
import { componentName, epochMs, type CheckpointId } from '../../src/model/index.ts';
import { given } from './given.ts';

/*
 * Single bits flip in what is stored, one at a time, and what a component is given afterwards is compared with what
 * it had been acknowledged: either it is all of it, or it is what the component had at some earlier time and the rest is reported.
 */

const agent = componentName('agent');
const AT = epochMs(1_700_000_000_000);
const STEPS = 40;

/** What was acknowledged: the state of each checkpoint, and the journal. */
interface Acknowledged {
  readonly states: ReadonlyMap<
    CheckpointId,
    { readonly state: unknown; readonly sequence: number; readonly through: number }
  >;
  readonly entries: readonly number[];
}

/** A deterministic source of numbers from 0 up to `below`. */
export function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const text = (roll: (below: number) => number, length: number): string =>
  Array.from({ length }, () => String.fromCharCode(97 + roll(26))).join('');

/** A history of full checkpoints, patches, a large state in chunks and journal entries, in `folder`. */
export function writeHistory(folder: string, roll: (below: number) => number, cipher: Cipher) {
  const file = join(folder, 'state.db');
  const opened = openStates(file, AT, cipher);
  const { commitGroup } = createGroupCommit(opened.db, opened.states, opened.raiseMarks);
  const states = new Map<CheckpointId, { state: unknown; sequence: number; through: number }>();
  const entries: number[] = [];
  let id = 0;
  const write = (job: 'put' | 'patch' | 'journal', body: object, at: number) => {
    const [answer] = commitGroup([
      {
        id: ++id,
        job,
        component: agent,
        body: Buffer.from(JSON.stringify(body)),
        trigger: 'interval',
        at: epochMs(at),
      },
    ]);
    if (!answer || !('value' in answer)) throw new Error(`not stored: ${JSON.stringify(answer)}`);
    return answer.value as { checkpoint_id: CheckpointId; entry_id: number };
  };
  let state: Record<string, string> = {};
  let base: CheckpointId | null = null;
  for (let step = 1; step <= STEPS; step++) {
    const at = AT + step * 1_000;
    for (let count = roll(3); count >= 0; count--)
      entries.push(write('journal', { operation: text(roll, 8), data: step }, at).entry_id);
    const through = entries.at(-1) ?? 0;
    const large = step === 10;
    if (base === null || large || step % 7 === 0) {
      state = { step: `${step}`, text: text(roll, large ? 1_100_000 : 3_000) };
      base = write('put', { state, through }, at).checkpoint_id;
    } else {
      state = { ...state, step: `${step}`, [`key${step % 5}`]: text(roll, 40) };
      const operations = ['step', `key${step % 5}`].map((key) => ({ op: 'add', path: `/${key}`, value: state[key] }));
      base = write('patch', { base, operations, through }, at).checkpoint_id;
    }
    states.set(base, { state: { ...state }, sequence: step, through });
  }
  entries.push(write('journal', { operation: 'last' }, AT).entry_id);
  const acknowledged: Acknowledged = { states, entries };
  return { file, acknowledged, close: () => opened.close(), db: opened.db };
}

const SUFFIXES = ['', '-wal', '.marks'];

/** As a killed process would leave it. */
export function copyStore(from: string, to: string): void {
  for (const suffix of [...SUFFIXES, '-shm']) rmSync(to + suffix, { force: true });
  for (const suffix of SUFFIXES) if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
}

export function flipBit(file: string, at: number, bit: number): void {
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  writeFileSync(file, bytes);
}

/**
 * What became of a damaged store. `unharmed`: all is there (the bit lay in what is not used). `reported`: something is missing, that is said, and
 * what is given is a state that was once acknowledged, with the journal after it. Anything else is a sentence of what is wrong.
 */
export function judge(file: string, { states, entries }: Acknowledged, cipher: Cipher): string {
  const opened = openStates(file, AT, cipher);
  try {
    const { losses, setAside } = opened;
    const at = epochMs(AT + 3_600_000);
    const { restored, damaged } = restore(opened.states, {
      component: agent,
      endedAt: null,
      preserve: true,
      doubted: new Set(),
      at,
    });
    const { checkpoint_id: id, state, journal, lost_checkpoints, lost_entries } = given(restored);
    const known = id === null ? { state: null, sequence: 0, through: 0 } : states.get(id);
    if (!known) return `checkpoint ${id} was never acknowledged`;
    if (!isSame(known.state, state)) return `the state of ${id} is another one`;
    if (known.sequence + lost_checkpoints < states.size)
      return `checkpoints after ${known.sequence} are missing: ${lost_checkpoints} told`;
    const handed = new Set(journal.map(({ entry_id: entry }) => entry));
    const inGap = (entry: number) => lost_entries.some(({ after, before }) => after < entry && entry < before);
    const missing = entries.filter((entry) => entry > known.through && !handed.has(entry) && !inGap(entry));
    if (missing.length > 0) return `journal entries ${missing.join()} are missing, and nobody says so`;
    if (lost_checkpoints + lost_entries.length + losses.length + damaged.length > 0 || setAside) return 'reported';
    // What is not needed now is looked at too, as `checkpoints verify` does.
    const all = opened.states.checkpoints.list(null);
    return all.some(({ checkpoint_id }) => verify(opened.states, checkpoint_id, at)?.damage) ? 'reported' : 'unharmed';
  } catch (error) {
    return `nothing can be read: ${String(error)}`;
  } finally {
    opened.close();
  }
}
