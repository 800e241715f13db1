import type { Clock } from '../clock.ts';
import type { ComponentConfig } from '../config/index.ts';
import { classify, type CrashReports, type Evidence, type OomWatch } from '../crashes/index.ts';
import { datedId } from '../digest.ts';
import type { ComponentName, ComponentRecord, CrashId, EventOf, Exit } from '../model/index.ts';
import type { Life } from './life.ts';

/** Why the keeper itself ended a process; null: it ended by itself. */
export type KilledFor = NonNullable<Evidence['killedFor']>;

export interface AutopsyDeps {
  readonly clock: Clock;
  readonly reports: CrashReports;
  readonly oom: OomWatch;
}

/** Enough of stderr for a long stack trace; small enough to be read before the restart. */
const EVIDENCE_BYTES = 16 * 1_024;
const LOG_BYTES = 32 * 1_024;

/** Names why a life ended, at once; the report is written when the restart has had its turn. */
export function createAutopsy({ clock, reports, oom }: AutopsyDeps) {
  return (
    component: ComponentName,
    config: ComponentConfig,
    record: ComponentRecord,
    life: Life,
    exit: Exit,
    killedFor: KilledFor | null,
  ): EventOf<'component.crashed'> => {
    const at = clock.now();
    const { running } = life;
    const stderrTail = running?.outputTail('stderr', EVIDENCE_BYTES) ?? '';
    const evidence: Evidence = {
      exit,
      stderrTail,
      killedFor,
      oomKilled: exit.signal === 'SIGKILL' || exit.code === 137 ? oom.killedJustNow() : null,
      adopted: running?.adopted ?? true,
    };
    const verdict = classify(evidence);
    const crash = datedId('CRASH', at) as CrashId;
    const uptimeMs = record.startedAt === null ? 0 : Math.max(0, at - record.startedAt);
    setImmediate(() => {
      void reports.write({
        crash,
        at,
        component,
        verdict,
        exit,
        uptimeMs,
        incarnation: life.incarnation,
        process: running?.process ?? null,
        command: config.command,
        env: config.env,
        usage: running?.usage() ?? null,
        stdoutTail: running?.outputTail('stdout', LOG_BYTES) ?? '',
        stderrTail: running?.outputTail('stderr', LOG_BYTES) ?? '',
        killedFor,
      });
    });
    const { type: crashType, severity, errorType, signature } = verdict;
    return {
      type: 'component.crashed',
      component,
      at,
      incarnation: life.incarnation,
      crash,
      crashType,
      severity,
      errorType,
      exit,
      uptimeMs,
      signature,
    };
  };
}
