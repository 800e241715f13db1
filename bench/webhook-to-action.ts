import { join } from 'node:path';
import { Daemon, restartsByAlert } from './daemon.ts';
import { record, sleep, spread, starts, until, victim } from './harness.ts';

/*
 * An alert comes in, its action goes out. How long until Alertmanager has its answer (the decision is on disk by then),
 * and how long from that decision to the beginning of the action? The control is the same restart, of a component that
 * is down too, asked for over the API: both until the first instruction of the new process, in turn.
 * Usage: node bench/webhook-to-action.ts [ROUNDS=100]
 */
const ROUNDS = Number(process.argv[2] ?? 100);
const program = victim();
const component = (log: string) => ({
  command: [program, log],
  priority: 'critical',
  restart: { policy: 'manual_only', max_restarts: 1_000_000 },
});
const daemon = new Daemon({
  components: { by_alert: component('by_alert.starts'), by_api: component('by_api.starts') },
  remediation: restartsByAlert,
});

/** Kills a component, whose policy leaves it down, and waits until that is known. */
async function down(name: string): Promise<void> {
  const { pid } = await daemon.component(name);
  if (pid !== null) process.kill(pid, 'SIGKILL');
  while ((await daemon.component(name)).state !== 'stopped') await sleep(5);
}

/** Milliseconds from now until the program has started once more. */
async function started(log: string, ask: () => Promise<unknown>): Promise<{ ms: number; answeredMs: number }> {
  const file = join(daemon.home, log);
  const before = starts(file).length;
  const asked = process.hrtime.bigint();
  const answer = ask().then(() => Number(process.hrtime.bigint() - asked) / 1e6);
  const [next] = await until('its next start', () => {
    const found = starts(file).slice(before);
    return found.length > 0 && found;
  });
  return { ms: Number((next?.at ?? asked) - asked) / 1e6, answeredMs: await answer };
}

const byAlert: number[] = [];
const answers: number[] = [];
const byApi: number[] = [];
try {
  await daemon.start();
  await daemon.allRunning();
  for (let round = 1; round <= ROUNDS; round++) {
    await sleep(150);
    await down('by_alert');
    const told = await started('by_alert.starts', () => daemon.alert('by_alert'));
    byAlert.push(told.ms);
    answers.push(told.answeredMs);
    await sleep(150);
    await down('by_api');
    const asked = await started('by_api.starts', () => daemon.post('api/v1/components/by_api/restart', 'api', {}));
    byApi.push(asked.ms);
  }
  await sleep(500);
  const events = await daemon.events();
  const decided = events.filter((event) => event.type === 'remediation.decided' && event['decision'] === 'execute');
  const toAction = decided.flatMap(({ at, seq }) => {
    const next = events.find(
      (event) =>
        event.type === 'component.starting' && event['component'] === 'by_alert' && (event.seq ?? 0) > (seq ?? 0),
    );
    return next ? [Date.parse(next.at) - Date.parse(at)] : [];
  });
  const [alerts, api] = [spread(byAlert), spread(byApi)];
  record('webhook-to-action', {
    unit: 'ms',
    posted_to_answered: spread(answers),
    decided_to_action_begun: { ...spread(toAction), note: 'whole ms, from the times of the events' },
    posted_to_first_instruction: alerts,
    api_to_first_instruction: api,
    ratio_to_api: Math.round((alerts.median / api.median) * 100) / 100,
  });
  if (spread(answers).max > 100 || spread(toAction).max > 50) process.exitCode = 1;
} finally {
  await daemon.remove();
}
