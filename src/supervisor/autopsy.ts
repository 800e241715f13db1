import { totalmem } from 'node:os';
import type { Clock } from '../clock.ts';
import { classify, type CrashReports, type Hung, type KernelLog, type OomWatch } from '../crashes/index.ts';
import type { StartPlan } from '../drivers/index.ts';
import { datedId } from '../digest.ts';
import type { ComponentName, CrashId, EpochMs, EventOf, Exit, ProcessUsage } from '../model/index.ts';
import type { KilledFor, Life } from './life.ts';

export interface AutopsyDeps {
  readonly clock: Clock;
  readonly reports: CrashReports;
  readonly oom: OomWatch;
  readonly kernelLog: KernelLog;
}

/** Enough of stderr for a long stack trace; small enough to be read before the restart. */
const EVIDENCE_BYTES = 16 * 1_024;
const LOG_BYTES = 32 * 1_024;
/** What a component told longer ago it has survived. */
const TOLD_FOR_MS = 30_000;

/** All that is known when a life has ended. */
export interface Remains {
  readonly component: ComponentName;
  /** What it was started with: the values of its secrets are hidden wherever they appear in the report. */
  readonly plan: () => Pick<StartPlan, 'command' | 'env'>;
  /** The last reading before the end. */
  readonly usage: ProcessUsage | null;
  readonly startedAt: EpochMs | null;
  readonly life: Life;
  readonly exit: Exit;
  readonly killedFor: KilledFor;
  /** What was seen of it before it was ended for a hang. */
  readonly hung: Hung | null;
}

/** Bytes that this machine, or the container that we are in, has. Asked for once: it reads several files. */
function memoryOfAll(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** Names why a life ended, at once; the report is written when the restart has had its turn. */
export function createAutopsy({ clock, reports, oom, kernelLog }: AutopsyDeps) {
  const memory = memoryOfAll();
  const shareOf = (usage: ProcessUsage | null): number | null =>
    usage === null || usage.residentBytes === null ? null : usage.residentBytes / memory;
  return ({ life, startedAt, plan, ...remains }: Remains): EventOf<'component.crashed'> => {
    const { component, exit, killedFor } = remains;
    const { running, incarnation, told } = life;
    const at = clock.now();
    const killed = exit.signal === 'SIGKILL' || exit.code === 137;
    // Of one that was adopted nobody else can tell.
    const kernelSays = running?.process && exit.code === null ? kernelLog.wordOf(running.process.pid) : null;
    const engine = running?.verdict?.() ?? null;
    const verdict = classify({
      exit,
      stderrTail: running?.outputTail('stderr', EVIDENCE_BYTES) ?? '',
      told: told && at - told.at <= TOLD_FOR_MS ? told : null,
      killedFor,
      oomKilled: engine ? engine.oomKilled : killed ? oom.killedJustNow() : null,
      kernelSays,
      memoryShare: shareOf(remains.usage),
      engineFailure: engine?.failure ?? null,
      adopted: running?.adopted ?? true,
    });
    const crash = datedId('CRASH', at) as CrashId;
    const uptimeMs = startedAt === null ? 0 : Math.max(0, at - startedAt);
    setImmediate(() => {
      const { command, env } = plan();
      const process = running?.process ?? null;
      const stdoutTail = running?.outputTail('stdout', LOG_BYTES) ?? '';
      const stderrTail = running?.outputTail('stderr', LOG_BYTES) ?? '';
      const facts = { command, env, crash, at, verdict, uptimeMs, incarnation, process };
      void reports.write({ ...remains, ...facts, stdoutTail, stderrTail });
    });
    const { type: crashType, severity, errorType, signature } = verdict;
    const said = { crash, crashType, severity, errorType, exit, uptimeMs, signature };
    return { type: 'component.crashed', component, at, incarnation, ...said };
  };
}
