import { join } from 'node:path';
import { Daemon } from './daemon.ts';
import { record, sleep, starts, victim } from './harness.ts';

/*
 * A child that ends at once, for ever. How often is it started, what does the daemon use meanwhile (CPU of one core,
 * its children not counted), and how large do log and reports grow? Three daemons, one after the other: restarts
 * without a limit, the default policy, and a small budget that is used up at once.
 * Usage: node bench/crash-loop.ts [SECONDS of the default policy; 180 let it reach its end]
 */
const SECONDS = Number(process.argv[2] ?? 180);
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
    return {
      seconds,
      starts: counted,
      state: view?.state,
      restarts_counted: view?.restarts,
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

const unlimited = await loop(15, { policy: 'immediate', max_restarts: 1_000_000 });
const budget = await loop(15, { policy: 'immediate', max_restarts: 5 });
const byDefault = await loop(SECONDS, {}, 'medium');
record('crash-loop', { unlimited, budget_of_5: budget, default_policy: byDefault });
const exact = budget.starts === 6 && budget.state === 'failed' && byDefault.starts <= 6;
if (!exact || budget.cpu_percent >= 2 || byDefault.cpu_percent >= 2) process.exitCode = 1;
