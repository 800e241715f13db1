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
  if (process.env.PARAMEDIC_URL === undefined) {
    console.log('not supervised: working without memory');
    return { state, record: async (operation, data) => apply(state, operation, data), beat: () => {} };
  }

  const { connect } = await import('../../../src/client/index.ts');
  const client = connect();
  const saved = await client.restore();
  Object.assign(state, saved.state);
  for (const { operation, data } of saved.journal) apply(state, operation, data);
  if (saved.state === null && saved.journal.length === 0) console.log('first start: nothing to remember');
  else
    console.log(
      `remembered: checkpoint ${saved.checkpoint_id ?? 'none'} and ${saved.journal.length} journal entries ` +
        `(at most ${saved.data_loss_seconds} s lost)`,
    );

  let through = saved.through ?? undefined;
  let changed = saved.journal.length > 0;
  // One at a time: a checkpoint says through which entry it goes, so entries must be applied in their order.
  let turn = Promise.resolve();
  const record = (operation, data) => {
    const done = turn.then(async () => {
      ({ entry_id: through } = await client.journal(operation, data));
      apply(state, operation, data);
      changed = true;
    });
    turn = done.catch(() => {});
    return done;
  };
  const save = async () => {
    await turn;
    if (!changed) return;
    changed = false;
    try {
      await client.saveState(state, { through });
    } catch (error) {
      changed = true;
      throw error;
    }
  };

  const timer = setInterval(() => save().catch((error) => console.error(`not saved: ${error.message}`)), saveEveryMs);
  // Who is stopped may say its last words; who crashes has the journal.
  process.once('SIGTERM', async () => {
    clearInterval(timer);
    await save().catch((error) => console.error(`not saved: ${error.message}`));
    console.log('stopped, everything saved');
    process.exit(0);
  });
  return { state, record, beat: (beat) => client.startHeartbeat({ intervalMs: 1_000, beat }) };
}
