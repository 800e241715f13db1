// In a program of your own: import { connect, isSupervised } from 'paramedic/client';
import { connect, isSupervised } from '../../../src/client/index.ts';

/**
 * What a component keeps over its own death.
 *
 * A change is journalled before it is made (`record`), and made by `apply`, which therefore can make it again: after a
 * crash, the last checkpoint plus the journal since then is the state from the moment before. Every few seconds the
 * whole state becomes a checkpoint, so that the journal stays short.
 *
 * @param initial the state of a very first start
 * @param apply `(state, operation, data)` changes the state; nothing else may
 */
export async function remember(initial, apply, { saveEveryMs = 5_000 } = {}) {
  const state = structuredClone(initial);
  if (!isSupervised()) {
    console.log('not supervised: working without memory');
    const record = async (operation, data) => apply(state, operation, data);
    const features = { run: async (_name, work) => work() };
    return {
      state,
      record,
      features,
      beat: () => {},
      guard: (_dependency, call) => call(),
      undertake: (work) => work(),
    };
  }

  const paramedic = connect();
  const saved = await paramedic.restore();
  Object.assign(state, saved.state);
  for (const { operation, data } of saved.journal) apply(state, operation, data);
  if (saved.state === null && saved.journal.length === 0) console.log('first start: nothing to remember');
  else
    console.log(
      `remembered: checkpoint ${saved.checkpointId ?? 'none'} and ${saved.journal.length} journal entries ` +
        `(at most ${saved.dataLossSeconds} s lost)`,
    );

  let changed = saved.journal.length > 0;
  const record = async (operation, data) => {
    await paramedic.journal(operation, data);
    // At once, before anything else may happen: the next checkpoint says that it contains this entry.
    apply(state, operation, data);
    changed = true;
  };
  const save = async () => {
    if (!changed) return;
    changed = false;
    try {
      await paramedic.saveState(state);
    } catch (error) {
      changed = true;
      console.error(`not saved: ${error.message}`);
    }
  };

  // Whoever wants a checkpoint now (`paramedic checkpoints create NAME`) gets one.
  paramedic.onGetState(() => ({ state }));

  // …and so does who wants one of all together (`paramedic checkpoints create --consistent`): what was undertaken is
  // finished first, nothing else is until all have saved their state, and what others ask is answered all the time.
  const underWay = new Set();
  let mayBegin = Promise.resolve();
  const undertake = async (work) => {
    await mayBegin;
    const done = work();
    underWay.add(done);
    return done.finally(() => underWay.delete(done));
  };
  const pause = async () => {
    const { promise, resolve } = Promise.withResolvers();
    mayBegin = promise;
    await Promise.allSettled(underWay);
    return resolve;
  };
  paramedic.onPause(pause, { answers: true });

  /** Makes a call unless the breaker of the dependency is open; undefined: it was not made, or nobody answered. */
  const guard = async (dependency, call) => {
    // Without a daemon nobody knows better than to try.
    const { permitted, permitId } = await paramedic.permit(dependency).catch(() => ({ permitted: true }));
    if (!permitted) return undefined;
    const began = performance.now();
    const answer = await call();
    const outcome = { dependency, ok: answer !== undefined, durationMs: performance.now() - began, permitId };
    paramedic.reportOutcomes([outcome]).catch(() => {});
    return answer;
  };

  // What is given up while the machine is out of breath (`paramedic degrade reduced`), as the daemon last said.
  const features = paramedic.features();

  const timer = setInterval(save, saveEveryMs);
  // Who is stopped may say its last words; who crashes has the journal.
  process.once('SIGTERM', async () => {
    clearInterval(timer);
    await save();
    await paramedic.close();
    console.log(changed ? 'stopped' : 'stopped, everything saved');
    process.exit(0);
  });
  const beat = (tell) => paramedic.startHeartbeat({ intervalMs: 1_000, beat: tell });
  return { state, record, undertake, guard, features, beat };
}
