import { existsSync, readFileSync } from 'node:fs';

type Line =
  | { readonly start: number }
  | { readonly restored: string | null; readonly saved: number[]; readonly entries: [lane: number, step: number][] }
  | { readonly lane: number; readonly step: number }
  | { readonly checkpoint: string }
  | { readonly error: string };

/** What a ledger of `remembering.ts` tells; `lost`, `doubled`, `older` and `errors` must be empty. */
export interface Account {
  readonly starts: readonly number[];
  readonly restores: number;
  readonly acknowledged: number;
  readonly checkpoints: number;
  /** Acknowledged steps that a later life was not given. */
  readonly lost: readonly string[];
  /** Steps that a life was given twice, or out of their order. */
  readonly doubled: readonly string[];
  /** Restores from an older checkpoint than the last one acknowledged. */
  readonly older: readonly string[];
  readonly errors: readonly string[];
}

/** Each line of whole text; the last may be torn by a SIGKILL. */
function parse(text: string): Line[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** Compares what was acknowledged with what each later life was given. */
export function audit(file: string): Account {
  const account = { starts: [] as number[], restores: 0, acknowledged: 0, checkpoints: 0 };
  const [lost, doubled, older, errors]: [string[], string[], string[], string[]] = [[], [], [], []];
  const acknowledged: number[] = [];
  const checkpoints: string[] = [];
  for (const line of parse(existsSync(file) ? readFileSync(file, 'utf8') : '')) {
    if ('start' in line) account.starts.push(line.start);
    else if ('error' in line) errors.push(line.error);
    else if ('checkpoint' in line) checkpoints.push(line.checkpoint);
    else if ('lane' in line) {
      account.acknowledged++;
      acknowledged[line.lane] = line.step;
    } else {
      account.restores++;
      const given = [...line.saved];
      for (const [lane, step] of line.entries) {
        if (step !== (given[lane] ?? 0) + 1) doubled.push(`lane ${lane}: ${step} after ${given[lane]}`);
        given[lane] = step;
      }
      for (const [lane, step] of acknowledged.entries()) {
        if ((given[lane] ?? 0) < step) lost.push(`lane ${lane}: ${step} was acknowledged, ${given[lane]} restored`);
        acknowledged[lane] = given[lane] ?? 0;
      }
      const last = checkpoints.at(-1) ?? null;
      const known = line.restored === null || checkpoints.includes(line.restored);
      if (known && line.restored !== last) older.push(`${line.restored} instead of ${last}`);
    }
  }
  return { ...account, checkpoints: checkpoints.length, lost, doubled, older, errors };
}
