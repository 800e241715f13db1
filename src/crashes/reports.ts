import { readdir, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { failure, sentenceOf, systemCode } from '../errors.ts';
import type { ComponentName, CrashId, Emit } from '../model/index.ts';
import { readDiagnosticReport } from './diagnostic-report.ts';
import { createMask } from './mask.ts';
import { createPace } from './pace.ts';
import { buildReport, type Crash, type CrashReport } from './report.ts';
import type { CrashRetention } from './schema.ts';
import { storeReport } from './store-report.ts';
import { surplus, type StoredReport } from './surplus.ts';
import { readSystemState } from './system-state.ts';
import { readTakenPort, tellTaken, wantedPorts, type TakenPort } from './taken-port.ts';

const ID = /^CRASH-\d{8}-\d{6}-[0-9A-F]{8}$/;
/** A component that dies at every start is told of this often; its other crashes are events only. */
const BURST = 20;
const PER_MINUTE = 6;

/** The crash reports of all components, one file each. */
export interface CrashReports {
  /**
   * Writes `FOLDER/CRASH-….json` as a whole or not at all, one report after the other. Never rejects: states
   * crash.reported, or crash.report_failed, also when a component crashes faster than reports are kept.
   */
  write(crash: Crash): Promise<void>;
  /** Adds to a report how the recovery ended. Nothing happens when the report is not there. Never rejects. */
  recovered(crash: CrashId, successful: boolean): Promise<void>;
  /** The report's JSON; undefined when there is none of this id, or the id is none. Rejects when it cannot be read. */
  read(id: string): Promise<unknown>;
  /** Its file, whether it exists or not. @throws NOT_FOUND for what is no id. */
  fileOf(id: string): string;
  /** Resolves when all that was begun is written. */
  idle(): Promise<void>;
}

export function createCrashReports(deps: {
  readonly folder: string;
  /** Where components' diagnostic reports lie: `LOGS/COMPONENT/report.*.json`. */
  readonly logsFolder: string;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Which reports are kept; asked each time. */
  readonly retention: () => CrashRetention;
}): CrashReports {
  const { folder, logsFolder, clock, emit, retention } = deps;
  const mayWrite = createPace({ clock, burst: BURST, perMinute: PER_MINUTE });
  let queue: Promise<void> = Promise.resolve();

  const fileOf = (id: string) => {
    if (!ID.test(id)) throw failure('NOT_FOUND', { path: id });
    return join(folder, `${id}.json`);
  };

  const store = (id: string, report: unknown) => storeReport(folder, id, report);

  /** A report does not grow by more than how its recovery ended: it is measured once. */
  const sizes = new Map<string, number>();
  const sizeOf = async (name: string) => {
    const known = sizes.get(name) ?? (await stat(join(folder, name))).size;
    sizes.set(name, known);
    return known;
  };

  /** One thing at a time, so that what lies aside when we look is a leftover of a daemon that died. */
  const prune = async () => {
    const names = (await readdir(folder)).toSorted();
    const reports = names.filter((name) => name.endsWith('.json') && ID.test(name.slice(0, -5)));
    const leftovers = names.filter((name) => name.endsWith('.json.tmp'));
    const stored: StoredReport[] = [];
    for (const name of reports) stored.push({ id: name.slice(0, -5), bytes: await sizeOf(name) });
    const gone = surplus(stored, clock.now(), retention());
    for (const id of gone) sizes.delete(`${id}.json`);
    for (const name of [...leftovers, ...gone.map((id) => `${id}.json`)]) await unlink(join(folder, name));
  };

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    queue = queue.then(work).catch(() => undefined);
    return queue;
  };

  const failed = (component: ComponentName, crash: CrashId, why: string) =>
    emit({ type: 'crash.report_failed', component, at: clock.now(), crash, why });

  const write = async (crash: Crash, taking: Promise<TakenPort | null>) => {
    const { component } = crash;
    try {
      const [system, diagnostic, takenPort] = await Promise.all([
        readSystemState(logsFolder, clock),
        crash.process ? readDiagnosticReport(join(logsFolder, component), crash.process.pid) : null,
        taking,
      ]);
      const file = await store(crash.crash, buildReport(crash, { system, diagnostic, takenPort }));
      const found = takenPort && { found: createMask(crash.env).text(tellTaken(takenPort)) };
      emit({ type: 'crash.reported', component, at: clock.now(), crash: crash.crash, file, ...found });
    } catch (error) {
      await unlink(`${fileOf(crash.crash)}.tmp`).catch(() => undefined);
      failed(component, crash.crash, sentenceOf(error));
    }
    await prune();
  };

  const read = async (id: string): Promise<unknown> => {
    if (!ID.test(id)) return undefined;
    try {
      return JSON.parse(await readFile(fileOf(id), 'utf8')) as unknown;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  };

  return {
    write(crash) {
      if (mayWrite(crash.component)) {
        // At once, not in turn: whoever has the port may let go of it.
        const taking = readTakenPort(wantedPorts(crash.stderrTail, crash));
        return inTurn(() => write(crash, taking));
      }
      failed(crash.component, crash.crash, `${crash.component} crashes too often for a report of each`);
      return Promise.resolve();
    },
    recovered: (crash, successful) =>
      inTurn(async () => {
        const report = (await read(crash)) as CrashReport | undefined;
        if (report) await store(crash, { ...report, recovery_attempted: true, recovery_successful: successful });
      }),
    read,
    fileOf,
    idle: () => queue,
  };
}
