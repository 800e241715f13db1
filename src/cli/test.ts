import { Option, type Command } from 'commander';
import { formatDuration } from '../format.ts';
import type { ExperimentView, RunView } from '../http/experiments.ts';
import { connect, type Client } from './client.ts';
import { withDaemon, type Where } from './options.ts';
import { paint, printJson, progress, table } from './terminal.ts';

const DEFAULT_TEST = 'agent_crash_recovery';
const HEADINGS = ['CHECK', 'RESULT', 'DETAIL'];

type Options = Where & { testName: string; component?: string; all?: boolean; json?: boolean };

const good = (passed: boolean, text: string): string => paint(passed ? 'green' : 'red', text);
const measured = (seconds: number | null): string =>
  seconds === null ? 'not measured' : formatDuration(seconds * 1_000);

/** The verdict of one run, as a person reads it. */
function verdictPage(run: RunView): string {
  const { experiment, component, outcome, why, checks } = run;
  const head = `${experiment} on ${component}: ${good(outcome === 'passed', outcome)} (${why})`;
  const facts = [
    `RTO ${measured(run.rto_seconds)}`,
    `RPO ${measured(run.rpo_seconds)}`,
    `took ${measured(run.duration_seconds)}`,
    run.run,
    ...run.incidents.map((incident) => `incident ${incident}`),
  ].join(', ');
  if (checks.length === 0) return `${head}\n${facts}`;
  const rows = checks.map(({ name, passed, detail }) => [name, good(passed, passed ? 'passed' : 'failed'), detail]);
  return `${head}\n\n${table(HEADINGS, rows)}\n\n${facts}`;
}

function make(client: Client, name: string, component: string | undefined): Promise<RunView> {
  const body = component === undefined ? {} : { component };
  return progress(name, client.post<RunView>(`/experiments/${encodeURIComponent(name)}/run`, body));
}

async function test({ testName, component, all, json, ...where }: Options): Promise<void> {
  const client = await connect(where);
  const names = all
    ? (await client.get<{ experiments: ExperimentView[] }>('/experiments')).experiments.map(({ name }) => name)
    : [testName];
  const runs: RunView[] = [];
  for (const name of names) {
    const run = await make(client, name, component);
    if (!json) console.log(runs.length === 0 ? verdictPage(run) : `\n${verdictPage(run)}`);
    runs.push(run);
  }
  if (json) printJson(all ? runs : runs[0]);
  if (runs.some(({ outcome }) => outcome !== 'passed')) process.exitCode = 1;
}

export function addTest(program: Command): void {
  withDaemon(program.command('test'))
    .description('make a real fault and see whether it heals; exit code 0 only when the test has passed')
    .option('--test-name <name>', 'which test', DEFAULT_TEST)
    .option('--component <name>', "whom to hurt (default: the test's own target, else the first of priority critical)")
    .addOption(new Option('--all', 'every test there is, one after the other').conflicts('testName'))
    .option('--json', 'as JSON')
    .action(test);
}
