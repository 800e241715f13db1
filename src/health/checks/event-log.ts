import { z } from 'zod';
import { duration, formatDuration } from '../../units.ts';
import { defineCheck, degraded, healthy, unhealthy, unknown, type CheckContext, type CheckResult } from '../check.ts';
import { runCommand } from '../run-command.ts';

const OUTPUT_BYTES = 2 ** 20;
/** More are not counted: a journal that is full of errors must not be read to its end. */
const MOST = 1_000;
/** How kernels have worded it since 2.6. */
const OOM = /out of memory: kill|memory cgroup out of memory|oom-kill:/i;
const PRIORITIES = ['emerg', 'alert', 'crit', 'err', 'warning'] as const;

const options = z.strictObject({
  window: duration().default(86_400_000).describe('How far back is looked.'),
  priority: z.enum(PRIORITIES).default('err').describe('Least severe priority that is an error.'),
  unit: z
    .string()
    .regex(/^[\w@:.\\-]+$/, { error: () => 'expected the name of a unit, such as nginx.service' })
    .optional()
    .describe('Only what this unit has written; default: everybody, the kernel too.'),
  warning: z.number().int().min(0).default(20).describe('Errors above which it is degraded.'),
  critical: z.number().int().min(0).default(200).describe('Errors above which it is unhealthy; at most 999.'),
  oom: z.boolean().default(true).describe('A process that the kernel has ended for want of memory makes it degraded.'),
  ignore: z
    .array(z.string().min(1))
    .default([])
    .describe('Errors with any of these texts in program or message do not count.'),
});
type Limits = z.output<typeof options>;

/** Asks with `journalctl`, 10 to 100 ms of CPU on a large journal: an interval of minutes is enough. */
export const eventLog = defineCheck({
  kind: 'event_log',
  summary: "Healthy while the system's journal has few errors of late and the kernel has ended nobody for memory.",
  options,
  async run(limits, context) {
    const seconds = Math.floor((context.clock.now() - limits.window) / 1_000);
    const unit = limits.unit === undefined ? [] : [`--unit=${limits.unit}`];
    const errors = await journal(
      [`--since=@${seconds}`, `--priority=${limits.priority}`, ...unit, '--reverse', `--lines=${MOST}`],
      context,
    );
    if ('status' in errors) return errors;
    if (errors.length === 0) {
      // Nothing found is only good news from a journal that can be read at all.
      const any = await journal(['--lines=1'], context);
      if ('status' in any) return any;
      if (any.length === 0)
        return unknown('the journal is empty, or may not be read by this user (group systemd-journal)');
    }
    return judgeJournal(errors, limits);
  },
});

export interface JournalEntry {
  readonly program: string;
  readonly message: string;
  readonly isKernel: boolean;
}

async function journal(args: readonly string[], context: CheckContext): Promise<JournalEntry[] | CheckResult> {
  const command = [
    'journalctl',
    '--no-pager',
    '--output=json',
    '--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM,_TRANSPORT',
  ] as const;
  const end = await runCommand([...command, ...args], context, OUTPUT_BYTES);
  context.signal.throwIfAborted();
  if (end.notStarted !== null) return unknown('there is no journalctl: this machine does not run systemd');
  const lines = end.output.split('\n');
  if (end.exit !== 0) {
    const said = lines.findLast((line) => line.trim() !== '' && !line.startsWith('{'));
    return unknown(`the journal does not answer: ${said ?? `journalctl ended with ${end.exit ?? end.by}`}`);
  }
  return lines.flatMap(parseEntry);
}

/** The first line may have been cut off, and journalctl mixes words to people in. */
function parseEntry(line: string): JournalEntry[] {
  if (!line.startsWith('{')) return [];
  try {
    const entry = JSON.parse(line) as Partial<Record<string, unknown>>;
    const text = (name: string) => (typeof entry[name] === 'string' ? entry[name] : '');
    const message = Array.isArray(entry['MESSAGE'])
      ? Buffer.from(entry['MESSAGE'] as number[]).toString('utf8')
      : text('MESSAGE');
    const program = text('SYSLOG_IDENTIFIER') || text('_COMM');
    return [{ program, message, isKernel: text('_TRANSPORT') === 'kernel' || program === 'kernel' }];
  } catch {
    return [];
  }
}

/** @param found newest first. */
export function judgeJournal(found: readonly JournalEntry[], limits: Omit<Limits, 'priority' | 'unit'>): CheckResult {
  const errors = found.filter(
    ({ program, message }) => !limits.ignore.some((text) => program.includes(text) || message.includes(text)),
  );
  const count = found.length >= MOST ? `${errors.length} or more` : String(errors.length);
  const [newest] = errors;
  const latest = newest ? `; the newest, of ${newest.program || 'nobody known'}: ${newest.message}` : '';
  const sentence = `${count} error${errors.length === 1 ? '' : 's'} in the last ${formatDuration(limits.window)}`;
  const ended = limits.oom ? errors.filter(({ isKernel, message }) => isKernel && OOM.test(message)) : [];
  if (errors.length > Math.min(limits.critical, MOST - 1)) return unhealthy(`${sentence}${latest}`);
  if (ended[0]) return degraded(`${sentence}; memory ran out: ${ended[0].message}`, 6);
  return errors.length > limits.warning ? degraded(`${sentence}${latest}`) : healthy(sentence);
}
