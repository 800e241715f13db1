import { Command } from 'commander';
import { readVersion } from '../version.ts';
import { addBreakers } from './breakers.ts';
import { addCheckpoints } from './checkpoints.ts';
import { addRecover } from './recover.ts';
import { addComponentActions } from './component-actions.ts';
import { addConfig } from './config.ts';
import { addDegrade } from './degrade.ts';
import { addEvents } from './events.ts';
import { addExplain } from './explain.ts';
import { addIncidents } from './incidents.ts';
import { addLogs } from './logs.ts';
import { addReload } from './reload.ts';
import { addRemediations } from './remediations.ts';
import { addService } from './service.ts';
import { addStart } from './start.ts';
import { addStatus } from './status.ts';
import { addStop } from './stop.ts';
import { addTest } from './test.ts';

/*
 * What every command imports at its top is loaded by `paramedic --version` too: Node's own modules, commander and
 * the error catalogue. Everything larger (yaml, zod, the daemon) is imported inside the action that needs it.
 */

/** The command line. Throws CommanderError for usage, ParamedicError for everything else. */
export function createProgram(): Command {
  const program = new Command('paramedic')
    .description('Keeps 24/7 programs alive: starts them, watches them, brings them back with their memory.')
    .version(readVersion(), '-V, --version')
    .showHelpAfterError('`paramedic --help` lists the commands, `paramedic COMMAND --help` their options.')
    .exitOverride();
  for (const add of [
    addStart,
    addStop,
    addStatus,
    addComponentActions,
    addExplain,
    addLogs,
    addEvents,
    addIncidents,
    addConfig,
    addCheckpoints,
    addRecover,
    addBreakers,
    addDegrade,
    addReload,
    addService,
    addRemediations,
    addTest,
  ])
    add(program);
  return program;
}
