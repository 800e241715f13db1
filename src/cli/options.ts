import { InvalidArgumentError, type Command } from 'commander';
import { DEFAULT_FILE } from '../config/defaults.ts';

/** Which daemon is meant: the one of a configuration file, or of a state folder. */
export interface Where {
  readonly config?: string;
  readonly stateDir?: string;
}

/** The configuration file that is meant, as the user named it. */
export const configFile = ({ config }: Where): string => config ?? (process.env['PARAMEDIC_CONFIG'] || DEFAULT_FILE);

const CONFIG_HELP = `configuration file (default: $PARAMEDIC_CONFIG or ${DEFAULT_FILE})`;

/** For commands that read the file itself. */
export const withConfig = (command: Command): Command => command.option('-c, --config <file>', CONFIG_HELP);

/** For commands that talk to a daemon. */
export const withDaemon = (command: Command): Command =>
  withConfig(command).option('--state-dir <folder>', 'state folder of the daemon, instead of a configuration file');

/** Reads a whole number of an option; anything else is a usage error. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };

/** Reads a duration of an option and leaves it as it is written; anything else is a usage error. */
export function durationText(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)?$/.test(text)) return text;
  throw new InvalidArgumentError('Expected a duration such as 250ms, 5s or 1m.');
}
