import { sentenceOf } from '../errors.ts';
import type { ComponentName, ExperimentRunId } from '../model/index.ts';
import type { Undo } from './fault.ts';
import type { ExperimentPorts } from './ports.ts';
import type { Subject } from './subject.ts';

export interface Made {
  readonly run: ExperimentRunId;
  /** The fault's kind. */
  readonly kind: string;
  readonly target: ComponentName;
  /** null: it is not known any more, or there is none. */
  readonly undo: Undo | null;
}

/**
 * A test leaves no outage behind: who is down is started again, the target by the fault's own undo. Who is held or
 * disabled by now is left so. States `fault.undone` for each. Never rejects.
 * @returns what could not be put right.
 */
export async function putRight(
  down: readonly Subject[],
  { run, kind: fault, target, undo }: Made,
  { clock, emit, start }: Pick<ExperimentPorts, 'clock' | 'emit' | 'start'>,
  signal: AbortSignal,
): Promise<string[]> {
  const failures: string[] = [];
  for (const { component, enabled, held } of down) {
    if (signal.aborted) break;
    if (!enabled || held) continue;
    try {
      const how = component === target && undo ? await undo() : `started again: ${await start(component)}`;
      emit({ type: 'fault.undone', component, at: clock.now(), run, fault, how });
    } catch (error) {
      failures.push(`${component} could not be started again: ${sentenceOf(error)}`);
    }
  }
  return failures;
}
