import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type RestoredState } from '../../src/client/index.ts';

/*
 * A component as the contract of the component protocol wants one, run as a program: the same as conforming.py, on the
 * JavaScript client.
 */

const line = connect();
line.installCrashHandler();

const note = (name: string, text: unknown): void => appendFileSync(`${line.component}.${name}`, `${String(text)}\n`);

class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

const counted = ({ state, journal }: RestoredState): number => ((state as number | null) ?? 0) + journal.length;
let count = counted(await line.restore());
note('restored', count);

line.onGetState(() => ({ state: count }));
line.onSetState((given) => {
  count = counted(given);
  note('given', count);
});
line.onShutdown(async ({ why }) => {
  note('left', why);
  await line.saveState(count);
});
line.onBreaker(({ breaker, state }) => note('news', `${breaker} ${state}`));
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
  const number = await line.journal('count', count + 1);
  count++;
  note('acknowledged', number);
  await sleep(20);
}
