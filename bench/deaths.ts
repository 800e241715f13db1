import { rmSync } from 'node:fs';
import { systemClock } from '../src/clock.ts';
import { openKernelLog } from '../src/crashes/index.ts';
import { compile, deaths, die, has, nativeDeaths, pythonDeaths, type Death } from '../test/crashes/deaths.ts';
import { record, sleep } from './harness.ts';

/*
 * The table of deaths by real processes, each way ten times: all of them must be named for what they were.
 * Usage: node bench/deaths.ts [TIMES]
 */
const TIMES = Number(process.argv[2] ?? 10);
/** The kernel writes down ten faults in five seconds at most: those of the rows before must be over. */
const FAULTS_OVER_MS = 6_000;
const FAULT_EVERY_MS = 1_000;

const native = has('gcc') ? compile() : null;
const log = openKernelLog(systemClock);
const all: readonly Death[] = [
  ...deaths,
  ...(native ? nativeDeaths(native.program) : []),
  ...(has('python3') ? pythonDeaths : []),
];
const wrong: string[] = [];
let runs = 0;
for (const death of all) {
  let right = 0;
  for (let time = 0; time < TIMES; time++) {
    if (death.byKernelLog) await sleep(time === 0 ? FAULTS_OVER_MS : FAULT_EVERY_MS);
    const verdict = await die(death, log);
    runs++;
    const differs = Object.entries(death.dies).filter(([field, value]) => verdict[field as 'rule'] !== value);
    if (differs.length === 0) right++;
    else wrong.push(`${death.what}: ${verdict.rule}, ${verdict.type}, ${verdict.errorType}`);
  }
  console.log(`${right}/${TIMES}  ${death.what}`);
}
log.close();
if (native) rmSync(native.folder, { recursive: true });
record('deaths', { ways: all.length, times: TIMES, runs, right: runs - wrong.length, wrong });
if (wrong.length > 0) process.exitCode = 1;
