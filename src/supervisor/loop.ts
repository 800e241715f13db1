import { HOST, type EventOf, type Listener } from '../model/index.ts';
import type { Keeper } from './keeper.ts';
import type { Roster } from './roster.ts';

export interface LoopDeps {
  readonly roster: Roster;
  /** Time between two runs of a component's check, ms: a trip began that many times its failures ago. */
  readonly intervalOf: (keeper: Keeper, check: string) => number;
  /** A component with `on_failed: exit` has failed for good. */
  readonly onFatal: (component: string) => void;
  /** Any other has. */
  readonly onFailed: (event: EventOf<'component.failed'>) => void;
}

/** The component has gone silent, which is not the same as answering badly: it is told apart by what it does then. */
function isSilence({ config }: Keeper, { kind, check }: EventOf<'check.tripped'>): boolean {
  if (kind !== 'file') return kind === 'heartbeat' || kind === 'ping';
  // A file that it touches as its heartbeat; any other file may be wrong without its fault.
  const options = config.checks[check]?.options as { since_start?: boolean } | undefined;
  return options?.since_start === true;
}

/** Turns facts into requests: what a tripped check, a recovered dependency or a finished recovery means for others. */
export function createLoop({ roster, intervalOf, onFatal, onFailed }: LoopDeps): Listener {
  const tripped = (event: EventOf<'check.tripped'>): void => {
    const keeper = event.component === HOST ? undefined : roster.find(event.component);
    if (!keeper || keeper.busy || !keeper.life || event.action !== 'restart') return;
    const reason = isSilence(keeper, event) ? 'hang' : 'health';
    const detectMs = (event.consecutiveFailures - 1) * intervalOf(keeper, event.check);
    const why = `check ${event.check}: ${event.message}`;
    keeper.request({ reason, by: 'supervisor', force: false, crash: null }, { why, detectMs });
  };

  const ready = (event: EventOf<'component.ready'>): void => {
    const life = roster.find(event.component)?.life;
    for (const dependent of roster.dependents(event.component)) {
      dependent.recheck();
      const older = life && dependent.life && dependent.life.startedAt < life.startedAt && !life.running?.adopted;
      // One that is on its way down, to be started again or not, is left to it.
      if (older && !dependent.life.ending && dependent.config.restart.on_dependency_restart === 'restart')
        dependent.request(
          { reason: 'dependency', by: 'supervisor', force: false, crash: null },
          { why: `its dependency ${event.component} was restarted` },
        );
    }
  };

  const ended = ({ component }: EventOf<'component.crashed' | 'component.stopped'>): void => {
    for (const inside of roster.insideOf(component)) inside.fall(`${component}, which it lives in, has ended`);
  };

  return (event) => {
    if (event.type === 'check.tripped') tripped(event);
    else if (event.type === 'component.crashed' || event.type === 'component.stopped') ended(event);
    else if (event.type === 'component.ready') ready(event);
    else if (event.type === 'recovery.finished') for (const keeper of roster) keeper.recheck();
    else if (event.type === 'component.failed') {
      if (roster.find(event.component)?.config.restart.on_failed === 'exit') onFatal(event.component);
      else onFailed(event);
    }
  };
}
