import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'paramedic/client';

/* Works once a second, says that it lives, and goes on after a crash where it stopped. */

const paramedic = connect();
const { state } = await paramedic.restore();
let done = state?.done ?? 0;
console.log(`${done} done before`);
paramedic.startHeartbeat({ intervalMs: 2_000, beat: () => ({ progress: done, metrics: { done } }) });

for (;;) {
  const answer = await fetch(process.env.WEB_URL, { signal: AbortSignal.timeout(900) }).catch(() => undefined);
  if (answer?.ok) done += 1;
  if (done % 5 === 0)
    await paramedic.saveState({ done }).catch((error) => console.error(`not saved: ${error.message}`));
  await sleep(1_000);
}
