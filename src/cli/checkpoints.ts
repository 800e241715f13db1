import { Option, type Command } from 'commander';
import { formatSize } from '../format.ts';
import { failure } from '../errors.ts';
import { checkpointKinds, isManifestId } from '../model/index.ts';
import { connect } from './client.ts';
import { parseExactly } from './exact-json.ts';
import { manifestTable, manifestText, type ManifestView } from './manifests.ts';
import { durationText, wholeNumber, withDaemon, type Where } from './options.ts';
import { paint, printJson, progress, table } from './terminal.ts';

/** A checkpoint as HTTP serves it. */
interface CheckpointView {
  readonly checkpoint_id: string;
  readonly component: string;
  readonly at: string;
  readonly kind: string;
  readonly trigger: string;
  readonly size_bytes: number;
  readonly schema_version: number;
  readonly valid: boolean;
}

interface BadFile {
  readonly checkpoint_id: string;
  readonly file: string;
  readonly why: string;
}

const HEADINGS = ['CHECKPOINT', 'COMPONENT', 'AT', 'KIND', 'TRIGGER', 'SIZE', 'SCHEMA', 'VALID'];
const row = (checkpoint: CheckpointView): string[] => [
  checkpoint.checkpoint_id,
  checkpoint.component,
  checkpoint.at,
  checkpoint.kind,
  checkpoint.trigger,
  formatSize(checkpoint.size_bytes),
  String(checkpoint.schema_version),
  checkpoint.valid ? 'yes' : paint('red', 'no'),
];

interface ResumeView {
  readonly component: string;
  readonly checkpoint_id: string | null;
  readonly at: string;
}

const resumeText = ({ component, checkpoint_id: id, at }: ResumeView): string =>
  `${component} continues from ${id ?? 'nothing'} until it saves again: it was brought back to it at ${at}`;

type Options = Where & { json?: boolean; component?: string; manifests?: boolean; files?: boolean };
type CreateOptions = Options & { timeout?: string; kind?: string; consistent?: boolean };

/** A file of a checkpoint that state.db knows nothing of. */
interface StrayFile {
  readonly checkpoint_id: string;
  readonly component: string;
  readonly file: string;
  readonly size_bytes: number;
}

const fileTable = (files: readonly StrayFile[]): string =>
  table(
    ['FILE ONLY', 'COMPONENT', 'SIZE', 'FILE'],
    files.map(({ checkpoint_id: id, component, size_bytes, file }) => [id, component, formatSize(size_bytes), file]),
  );

interface CheckpointList {
  readonly files: readonly StrayFile[];
  readonly checkpoints: readonly CheckpointView[];
  readonly manifests: readonly ManifestView[];
  readonly resume_points: readonly ResumeView[];
}

async function list(options: Options & { lines: number }): Promise<void> {
  const { component, lines } = options;
  const query = new URLSearchParams({ ...(component !== undefined && { component }), limit: String(lines) });
  const client = await connect(options);
  const { checkpoints, manifests, resume_points, files } = await client.get<CheckpointList>(
    `/checkpoints?${query.toString()}`,
  );
  if (options.json) return printJson(options.manifests ? manifests : options.files ? files : checkpoints);
  if (options.files) return console.log(files.length === 0 ? 'No files without a record.' : fileTable(files));
  if (options.manifests) return console.log(manifests.length === 0 ? 'No manifests.' : manifestTable(manifests));
  console.log(checkpoints.length === 0 ? 'No checkpoints.' : table(HEADINGS, checkpoints.map(row)));
  if (checkpoints.length === lines) console.log(`These are the newest ${lines}; \`--lines\` shows more.`);
  if (manifests.length > 0) console.log(`\n${manifestTable(manifests)}`);
  if (files.length > 0) console.log(`\n${fileTable(files)}`);
  if (resume_points.length > 0) console.log(`\n${resume_points.map(resumeText).join('\n')}`);
}

/** Of one component; with `--consistent` of several, or of all that listen for it. */
async function create(
  components: string[],
  { timeout, kind, json, consistent, ...where }: CreateOptions,
): Promise<void> {
  if (!consistent && components.length !== 1)
    throw failure('USAGE', { why: 'Name one component, or several with --consistent.' });
  const whose = consistent
    ? { consistent, ...(components.length > 0 && { components }) }
    : { component: components[0] };
  const work = (await connect(where)).post<{ message: string }>('/checkpoints', {
    ...whose,
    ...(timeout !== undefined && { timeout }),
    ...(kind !== undefined && { kind }),
  });
  const done = await progress(`checkpoint of ${components.join(', ') || 'all'}`, work);
  if (json) printJson(done);
  else console.log(done.message);
}

async function show(checkpoint: string, options: Options): Promise<void> {
  const client = await connect(options);
  const path = `/checkpoints/${encodeURIComponent(checkpoint)}`;
  if (isManifestId(checkpoint)) {
    const manifest = await client.get<ManifestView>(path);
    return options.json ? printJson(manifest) : console.log(manifestText(manifest));
  }
  const shown = parseExactly(await client.text(path)) as CheckpointView & { state: unknown; journal_complete: boolean };
  const { state, ...info } = shown;
  if (options.json) return printJson({ ...info, state });
  console.log(table(HEADINGS, [row(info)]));
  const { resume_points } = await client.get<CheckpointList>(
    `/checkpoints?limit=1&component=${encodeURIComponent(info.component)}`,
  );
  for (const point of resume_points) if (point.checkpoint_id === checkpoint) console.log(resumeText(point));
  if (!info.journal_complete)
    console.log('Not all that was journalled after it is kept: who goes back to it loses that.');
  console.log(JSON.stringify(state, null, 2));
}

async function prune({ json, ...where }: Options): Promise<void> {
  const work = (await connect(where)).post<{ deleted: number }>('/checkpoints/prune');
  const result = await progress('pruning', work);
  if (json) printJson(result);
  else console.log(`${result.deleted} checkpoints deleted`);
}

async function verify(options: Options): Promise<void> {
  const work = (await connect(options)).post<{
    checked: number;
    corrupted: CheckpointView[];
    files: BadFile[];
    manifests: { checked: number; corrupted: ManifestView[] };
    integrity: string;
  }>('/checkpoints/verify');
  const result = await progress('verifying', work);
  const { manifests, files } = result;
  const sound = result.corrupted.length + files.length + manifests.corrupted.length === 0 && result.integrity === 'ok';
  if (options.json) printJson(result);
  else {
    console.log(
      `${result.checked} checked, ${result.corrupted.length} corrupted, database integrity: ${result.integrity}`,
    );
    if (result.corrupted.length > 0) console.log(table(HEADINGS, result.corrupted.map(row)));
    for (const { checkpoint_id: id, file, why } of files)
      console.log(`the file of ${id}, ${file}, cannot be used: ${why}`);
    if (manifests.corrupted.length > 0) console.log(manifestTable(manifests.corrupted));
  }
  if (!sound) process.exitCode = 1;
}

export function addCheckpoints(program: Command): void {
  const command = program.command('checkpoints').description('saved state of the components');
  withDaemon(command.command('list'))
    .description('all checkpoints that are kept')
    .option('--component <name>', 'only of this one')
    .option('-n, --lines <count>', 'how many of the newest (1 to 100000)', wholeNumber(1, 100_000), 1_000)
    .option('--manifests', 'only which of them were taken together')
    .option('--files', 'only files of checkpoints that state.db knows nothing of')
    .option('--json', 'as JSON')
    .action(list);
  withDaemon(command.command('create [components...]'))
    .description('make a running component save its state now; with --consistent several of them together')
    .option('--consistent', 'pause these, or all that listen for it, until all have saved their states')
    .addOption(
      new Option(
        '--kind <kind>',
        'full: whole, not as what has changed; disk: as a file too; memory: in the memory of the daemon only, lost when it dies',
      ).choices([...checkpointKinds]),
    )
    .option('--timeout <duration>', 'how long it may take (10s)', durationText)
    .option('--json', 'as JSON')
    .action(create);
  withDaemon(command.command('show <checkpoint>'))
    .description('one checkpoint with its state, or which were taken together')
    .option('--json', 'as JSON')
    .action(show);
  withDaemon(command.command('prune'))
    .description('delete now what the retention does not keep')
    .option('--json', 'as JSON')
    .action(prune);
  withDaemon(command.command('verify'))
    .description('compare every checkpoint with its checksum; exit code 1 when one does not match')
    .option('--json', 'as JSON')
    .action(verify);
}
