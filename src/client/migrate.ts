import { ClientError } from './client-error.ts';
import type { RestoredState } from './connection.ts';

/** What was journalled, in one shape or another. */
export interface Operation {
  readonly operation: string;
  readonly data: unknown;
}

/** From the shapes of one schema version to those of the next; what is left out has not changed. May take its time. */
export interface MigrationStep {
  state?(state: unknown): unknown;
  entry?(entry: Operation): Operation | Promise<Operation>;
}
/** Of most only the state changes its shape. */
export type Migration = MigrationStep | NonNullable<MigrationStep['state']>;

export interface MigrateOptions {
  readonly component: string;
  /** That this program reads and writes; undefined: nothing is migrated. */
  readonly schemaVersion?: number | undefined;
  /** By the version that each goes on from. */
  readonly migrations?: Readonly<Record<number, Migration>> | undefined;
}

/** What was saved, in the shapes of this program. Rejects with SCHEMA_NEWER, MIGRATION_MISSING or MIGRATION_FAILED. */
export type Migrate = (saved: RestoredState) => Promise<RestoredState>;

/** @throws ClientError USAGE when the versions make no sense. */
export function createMigrate({ component, schemaVersion, migrations = {} }: MigrateOptions): Migrate {
  checkVersions(schemaVersion, migrations);
  if (schemaVersion === undefined) return (saved) => Promise.resolve(saved);
  const own = schemaVersion;
  const known = new Map(Object.entries(migrations).map(([from, step]) => [Number(from), toStep(step)]));

  /** The steps from a version to that of the program. */
  function stepsFrom(version: number, of: string): (readonly [from: number, step: MigrationStep])[] {
    const versions = `${of} is of schema version ${version}, this program of "${component}" reads ${own}`;
    if (version > own) {
      const why = `${versions}: start a newer one, or go back to an older checkpoint with "paramedic recover".`;
      throw new ClientError('SCHEMA_NEWER', why);
    }
    return Array.from({ length: own - version }, (_, passed) => {
      const from = version + passed;
      const step = known.get(from);
      if (step) return [from, step] as const;
      throw new ClientError('MIGRATION_MISSING', `${versions}, and has no migration from ${from} to ${from + 1}.`);
    });
  }

  return async (saved) => {
    const checkpoint = `Checkpoint ${saved.checkpointId}`;
    const steps = saved.checkpointId === null ? [] : stepsFrom(saved.schemaVersion, checkpoint);
    // Before anything is made anew: what cannot be read is known by then.
    const entries = saved.journal.map((entry) => {
      const version = entry.schemaVersion ?? saved.schemaVersion;
      return { entry, steps: stepsFrom(version, `Journal entry ${entry.entryId}`) };
    });
    let { state } = saved;
    for (const [from, step] of steps) {
      state = await run(checkpoint, from, async () => (step.state ? step.state(state) : state));
      if (state === undefined) throw failed(checkpoint, from, 'it gave back nothing');
    }
    const journal = [];
    for (const { entry, steps: ofEntry } of entries) {
      const of = `Journal entry ${entry.entryId}`;
      let said: Operation = { operation: entry.operation, data: entry.data };
      for (const [from, step] of ofEntry) {
        said = await run(of, from, async () => (step.entry ? step.entry(said) : said));
        if (!isOperation(said)) throw failed(of, from, 'it gave back no operation with data');
      }
      journal.push({ ...entry, operation: said.operation, data: said.data });
    }
    const migratedFrom = steps.length > 0 ? saved.schemaVersion : null;
    return { ...saved, state, journal, schemaVersion: own, migratedFrom };
  };
}

const toStep = (step: Migration): MigrationStep => (typeof step === 'function' ? { state: step } : step);

/** Not every program is checked for types. */
const isOperation = (said: Partial<Operation> | null | undefined): boolean =>
  typeof said?.operation === 'string' && said.data !== undefined;

async function run<T>(of: string, from: number, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw failed(of, from, String(error), error);
  }
}

function failed(of: string, from: number, why: string, cause?: unknown): ClientError {
  const what = `${of} could not be migrated from schema version ${from} to ${from + 1}: ${why}.`;
  return new ClientError('MIGRATION_FAILED', what, { cause });
}

function checkVersions(own: number | undefined, migrations: Readonly<Record<number, Migration>>): void {
  const isVersion = (version: number) => Number.isSafeInteger(version) && version >= 0;
  if (own !== undefined && !isVersion(own))
    throw new ClientError('USAGE', `schemaVersion must be a whole number ≥ 0, got ${own}`);
  for (const from of Object.keys(migrations)) {
    if (own === undefined) throw new ClientError('USAGE', 'migrations need a schemaVersion that they lead to.');
    if (!isVersion(Number(from)) || Number(from) >= own)
      throw new ClientError(
        'USAGE',
        `migrations.${from} leads past schemaVersion ${own}: its key is the version before it.`,
      );
  }
}
