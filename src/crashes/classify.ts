import { sha256 } from '../digest.ts';
import type { CrashSeverity, CrashType } from '../model/index.ts';
import { factsOf, type Evidence, type Facts } from './evidence.ts';
import type { ParsedException } from './exceptions/index.ts';
import { table, type Row } from './table.ts';

/** What a process died of. */
export interface Verdict {
  readonly type: CrashType;
  readonly severity: CrashSeverity;
  /** A metric label with few values: class of the exception, signal, `exit_N`, NTSTATUS, or a word of the table. */
  readonly errorType: string;
  /** 12 hex digits: equal for the same bug however often and wherever it strikes, different for different ones. */
  readonly signature: string;
  /** The row that decided. */
  readonly rule: string;
  /** What ended it, when that was an error of its own. */
  readonly exception: Pick<ParsedException, 'type' | 'message' | 'stack'> | null;
}

/** Class names come from the program: those that it makes up as it goes would be labels without end. */
const className = (type: string): string => /^[A-Za-z_][\w.:]{0,60}$/.exec(type)?.[0].replaceAll('::', '.') ?? 'Error';

function errorTypeOf(row: Row, { exception, signal, code, evidence }: Facts): string {
  if (row.byEngine && evidence.engineFailure) return `engine_${evidence.engineFailure.replaceAll('-', '_')}`;
  if (row.byException && exception) return className(exception.type);
  if (row.label) return row.label;
  if (signal !== null) return signal;
  if (code === null) return 'exit_unknown';
  return code > 255 ? `0x${code.toString(16).toUpperCase()}` : `exit_${code}`;
}

/** A message without what differs each time: numbers, addresses, quoted values. */
const withoutParticulars = (message: string): string =>
  message
    .replace(/0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+/gi, '#')
    .replace(/'[^'\n]*'|"[^"\n]*"|`[^`\n]*`/g, '?')
    .slice(0, 200);

function signatureOf(row: Row, facts: Facts): string {
  const exception = row.byException ? facts.exception : null;
  const failure = exception
    ? [exception.root.type, exception.root.frame ?? withoutParticulars(exception.message)]
    : [errorTypeOf(row, facts)];
  return sha256([row.type, ...failure].join('\n')).slice(0, 12);
}

/** Names what a process died of, by the first row of the table that fits. Pure. */
export function classify(evidence: Evidence): Verdict {
  const facts = factsOf(evidence);
  const row = table.find(({ when }) => when(facts));
  if (!row) throw new Error('the table has no last row');
  const { exception } = facts;
  return {
    type: row.type,
    severity: row.severity,
    errorType: errorTypeOf(row, facts),
    signature: signatureOf(row, facts),
    rule: row.rule,
    exception:
      row.byException && exception
        ? { type: exception.type, message: exception.message, stack: exception.stack }
        : null,
  };
}
