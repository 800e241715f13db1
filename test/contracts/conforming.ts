import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connect,
  type ClientError,
  type ConnectOptions,
  type Operation,
  type RestoredState,
} from '../../src/client/index.ts';

/*
 * A component as the contract of the component protocol wants one, run as a program: the same as conforming.py, on the
 * JavaScript client.
 */

/** In its second version it counts in an object, and journals so. */
const name = process.env['PARAMEDIC_COMPONENT'];
const grown = existsSync(`${name}.grown`);
const steps = {
  1: {
    state: (count: number) => ({ count }),
    entry: ({ operation, data }: Operation) => ({ operation, data: { count: data } }),
  },
};
const shape: ConnectOptions = grown
  ? { schemaVersion: 2, migrations: steps }
  : existsSync(`${name}.strict`)
    ? { schemaVersion: 1 }
    : {};
const line = connect(shape);
line.installCrashHandler();

const note = (name: string, text: unknown): void => appendFileSync(`${line.component}.${name}`, `${String(text)}\n`);

class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

async function refused({ code }: ClientError): Promise<never> {
  note('refused', code);
  line.startHeartbeat({ intervalMs: 50 });
  for (const attempt of [() => line.saveState(0), () => line.journal('count', 1)])
    await attempt().catch((error: ClientError) => note('refused', error.code));
  for (;;) await sleep(1_000);
}

type Saved = number | { readonly count: number };
const saved = (of: number): Saved => (grown ? { count: of } : of);
function counted({ state, journal }: RestoredState): number {
  if (grown && !journal.every(({ data }) => typeof (data as Saved) === 'object')) throw new Error('an old entry');
  const ofState = (state as Saved | null) ?? 0;
  return (typeof ofState === 'object' ? ofState.count : ofState) + journal.length;
}
const given = await line.restore().catch((error: ClientError) => refused(error));
let count = counted(given);
note('restored', count);
note('versions', `${given.migratedFrom} ${given.schemaVersion}`);

line.onGetState(() => ({ state: saved(count) }));
line.onSetState((other) => {
  count = counted(other);
  note('given', count);
});
line.onShutdown(async ({ why }) => {
  note('left', why);
  await line.saveState(saved(count));
});
line.onBreaker(({ breaker, state }) => note('news', `${breaker} ${state}`));
const features = line.features({
  async onChange({ level }) {
    note(
      'spoken',
      `${level} ${await features.run(
        'voice',
        () => 'aloud',
        ({ message }) => String(message),
      )}`,
    );
  },
});
line.startHeartbeat({
  intervalMs: 50,
  beat: () => ({ status: 'healthy', progress: count, metrics: { count } }),
});

const inside = line.child(`${line.component}_inside`);
inside.onRestart(() => note('inside', 'restart'));
inside.startHeartbeat({ intervalMs: 50 });

async function calls(): Promise<never> {
  for (;;) {
    await sleep(30);
    if (!existsSync(`${line.component}.call`)) continue;
    const call = (): string => {
      throw new NoAnswer('no route');
    };
    note('called', await line.guard('model', call, { fallback: () => 'fallback' }).catch(() => 'failed'));
  }
}

void calls();
for (;;) {
  if (existsSync(`${line.component}.die`)) {
    rmSync(`${line.component}.die`);
    throw new NoAnswer('cannot go on');
  }
  const number = await line.journal('count', saved(count + 1));
  count++;
  note('acknowledged', number);
  await sleep(20);
}
