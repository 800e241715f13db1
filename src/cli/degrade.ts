import { Argument, type Command } from 'commander';
import { failure } from '../errors.ts';
import type { DegradationView } from '../http/degradation.ts';
import { levelWish } from '../level-wish.ts';
import { degradationLevels, type DegradationLevel } from '../model/index.ts';
import { connect } from './client.ts';
import { durationText, withDaemon, type Where } from './options.ts';
import { paint, printJson, table } from './terminal.ts';

interface Options extends Where {
  readonly for?: string;
  readonly json?: boolean;
}
type Feature = DegradationView['features'][string];

const HEADINGS = ['FEATURE', 'STATE', 'PRIORITY', 'COMPONENTS', 'DEPENDS ON', 'WHY'];

const row = ([name, feature]: [string, Feature]): string[] => [
  name,
  feature.enabled ? paint('green', 'on') : paint('yellow', 'off'),
  feature.priority,
  feature.components.join(', ') || '-',
  feature.depends_on.join(', ') || '-',
  feature.reason ?? '',
];

/** @throws USAGE as the daemon would refuse it. */
function requireWish(wish: unknown): void {
  const [issue] = levelWish.safeParse(wish).error?.issues ?? [];
  if (issue) throw failure('USAGE', { why: `--${issue.path.join('.')}: ${issue.message}.` });
}

export const paintLevel = (level: DegradationLevel): string =>
  paint(level === 'full' ? 'green' : level === 'reduced' || level === 'minimal' ? 'yellow' : 'red', level);

function page(view: DegradationView): string {
  const why = view.reason === '' ? '' : `: ${view.reason}`;
  const until = view.until === null ? '' : `, until ${view.until}`;
  const follows = view.policy_level === null ? 'It does not follow the machine' : 'It follows the machine';
  const head = `The level is ${paintLevel(view.level)}${why}${until}. ${follows}.`;
  const features = Object.entries(view.features);
  return `${head}\n${features.length === 0 ? 'No features are configured.' : `\n${table(HEADINGS, features.map(row))}`}`;
}

export function addDegrade(program: Command): void {
  const levels = new Argument('[level]', 'the level to hold, or auto to give it back').choices([
    ...degradationLevels,
    'auto',
  ]);
  withDaemon(program.command('degrade'))
    .description('what is given up: shows it, holds a level, or gives it back to the machine')
    .addArgument(levels)
    .option('--for <duration>', 'how long the level is held; default: until it is given back', durationText)
    .option('--json', 'as JSON')
    .action(async (level: string | undefined, options: Options) => {
      if (level === undefined && options.for !== undefined)
        throw failure('USAGE', { why: '--for goes with a level: `paramedic degrade minimal --for 2h`.' });
      const wish = { level, ...(options.for !== undefined && { for: options.for }) };
      if (level !== undefined) requireWish(wish);
      const client = await connect(options);
      if (level === undefined) {
        const view = await client.get<DegradationView>('/degradation');
        if (options.json) printJson(view);
        else console.log(page(view));
        return;
      }
      const done = await client.put<DegradationView & { message: string }>('/degradation', wish);
      if (options.json) printJson(done);
      else console.log(done.message);
    });
}
