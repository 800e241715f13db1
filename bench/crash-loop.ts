import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { record, sleep, starts, victim } from './harness.ts';

/*
 * A child that ends at once, for ever. How often is it started, what does the daemon use meanwhile (CPU of one core,
 * its children not counted), how many incidents is it told as, and how large do log, reports and database grow? Three daemons, one after the other: restarts
 * without a limit, the default policy, and a small budget that is used up at once.
 * Usage: node bench/crash-loop.ts [SECONDS of the default policy; 180 let it reach its end]
 */
const SECONDS = Number(process.argv[2] ?? 180);
/** Two rounds of the upkeep, which thins out the events of the loop. */
const UNLIMITED_SECONDS = 130;
/** What the disk may hold after any of them, MiB. */
const LARGEST = { logs: 60, reports: 256, database: 160 };
const program = victim();

async function loop(seconds: number, restart: Record<string, unknown>, priority = 'critical') {
  const daemon = new Daemon({
    components: { loop: { command: [program, 'loop.starts', 'exit'], priority, restart } },
  });
  try {
    await daemon.start();
    await sleep(1_000);
    const before = daemon.cpuSeconds();
    await sleep(seconds * 1_000);
    const cpu = (daemon.cpuSeconds() - before) / seconds;
    const counted = starts(join(daemon.home, 'loop.starts')).length;
    const [view] = await daemon.components();
    const { incidents } = await daemon.get<{ incidents: readonly unknown[] }>('incidents');
    return {
      seconds,
      starts: counted,
      state: view?.state,
      restarts_counted: view?.restarts,
      incidents: incidents.length,
      cpu_percent: Math.round(cpu * 10_000) / 100,
      resident_mib: daemon.residentMiB(),
      logs: daemon.usage('logs'),
      reports: daemon.usage('crashes'),
      database: daemon.usage('db'),
    };
  } finally {
    await daemon.remove();
  }
}

const unlimited = await loop(UNLIMITED_SECONDS, { policy: 'immediate', max_restarts: 1_000_000 });
const budget = await loop(15, { policy: 'immediate', max_restarts: 5 });
const byDefault = await loop(SECONDS, {}, 'medium');
record('crash-loop', { unlimited, budget_of_5: budget, default_policy: byDefault });
const runs = [unlimited, budget, byDefault];
const exact = budget.starts === 6 && budget.state === 'failed' && byDefault.starts <= 6;
const calm = budget.cpu_percent < 2 && byDefault.cpu_percent < 2;
const once = budget.incidents === 1 && byDefault.incidents === 1;
const bounded = runs.every(
  ({ logs, reports, database }) =>
    logs.mib <= LARGEST.logs && reports.mib <= LARGEST.reports && database.mib <= LARGEST.database,
);
process.stdout.write(`${JSON.stringify({ exact, calm, once, bounded })}\n`);
if (!exact || !calm || !once || !bounded) process.exitCode = 1;
