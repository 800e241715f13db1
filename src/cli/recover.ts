import { Option, type Command } from 'commander';
import { recoveryModes } from '../actions/index.ts';
import { connect } from './client.ts';
import { durationText, withDaemon, type Where } from './options.ts';
import { printJson, progress } from './terminal.ts';

interface Options extends Where {
  readonly checkpoint?: string;
  readonly component?: string;
  readonly mode: string;
  readonly journal?: boolean;
  readonly timeout?: string;
  readonly json?: boolean;
}

async function recover(options: Options): Promise<void> {
  const { checkpoint, component, mode, journal, timeout } = options;
  const wish = {
    mode,
    ...(journal !== undefined && { journal }),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(component !== undefined && { component }),
    ...(timeout !== undefined && { timeout }),
  };
  const done = await progress('recovering', (await connect(options)).post<{ message: string }>('/recoveries', wish));
  if (options.json) printJson(done);
  else console.log(done.message);
}

export function addRecover(program: Command): void {
  withDaemon(program.command('recover'))
    .description(
      'bring components back to what they had saved: while they run when they listen for it, else by a restart',
    )
    .option(
      '--checkpoint <id>',
      'to this one, or all of a manifest (MAN-…) together; the newest that is valid unless given',
    )
    .option('--component <name>', 'only this one; all that have saved something unless given')
    .addOption(
      new Option(
        '--mode <mode>',
        'full: all or an error; partial: as many as possible; minimal: those of minimal recovery; none: begin with nothing',
      )
        .choices([...recoveryModes])
        .default('full'),
    )
    .option('--journal', 'with what was journalled after the checkpoints of a manifest, too')
    .option('--no-journal', 'without what was journalled after the checkpoint')
    .option('--timeout <duration>', 'how long one that takes its state while it runs may need (10s)', durationText)
    .option('--json', 'as JSON')
    .action(recover);
}
