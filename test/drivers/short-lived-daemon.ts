import { writeSync } from 'node:fs';
import { systemClock } from '../../src/clock.ts';
import { createProcessDriver, type StartPlan } from '../../src/drivers/index.ts';

/** Starts one process, says who it is and is gone. */
const { plan, logsFolder } = JSON.parse(process.argv[2] ?? '') as { plan: StartPlan; logsFolder: string };
const driver = createProcessDriver({ logsFolder, clock: systemClock, onProblem: () => process.exit(1) });
const running = await driver.start(plan);
writeSync(1, JSON.stringify(running.process));
process.exit(0);
