import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { healthy, unhealthy, unknown, type CheckContext, type CheckResult } from './check.ts';
import { askJson, field, isResult, refusal } from './json-probe.ts';
import { runCommand } from './run-command.ts';
import { httpUrl } from './http-probe.ts';

/*
 * Engines that speak or listen are asked alike: what they list (voices, models) is taken from a page or from the
 * output of a program.
 */

const LIST_BYTES = 256 * 1_024;

export const engineOptions = {
  url: httpUrl()
    .optional()
    .describe(
      'Page that lists them as JSON: a list, an object by name, or either of them within `voices`, `models` or `data`.',
    ),
  command: z
    .tuple([z.string().min(1)], z.string())
    .optional()
    .describe('Program (and its arguments) that lists them, one a line, in place of `url`.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Headers sent with the question.'),
  verify_tls: z.boolean().default(true).describe('Refuse certificates that cannot be verified.'),
};
type Engine = z.output<z.ZodObject<typeof engineOptions>>;

export const oneSource = ({ url, command }: Pick<Engine, 'url' | 'command'>): boolean =>
  (url === undefined) !== (command === undefined);

/**
 * Asks what an engine has. An empty list is unknown: it may be well, but it has not shown it.
 * @param what `voice`, `model`.
 * @param wanted must be among them, by its name or id.
 */
export async function askEngine(
  engine: Engine,
  what: string,
  wanted: string | undefined,
  context: CheckContext,
): Promise<CheckResult> {
  const found =
    engine.command === undefined ? await askPage(engine, what, context) : await askProgram(engine.command, context);
  if (!('names' in found)) return found;
  const { names, source } = found;
  if (names.length === 0) return unknown(`${source} lists no ${what}`);
  if (wanted !== undefined && !names.some((name) => name.split(/\s+/).includes(wanted) || name === wanted))
    return unhealthy(`${source} does not list the ${what} "${wanted}"`);
  return healthy(`${source} lists ${names.length} ${what}${names.length === 1 ? '' : 's'}`);
}

interface Listed {
  readonly names: readonly string[];
  readonly source: string;
}

async function askPage(
  { url = '', headers, verify_tls }: Engine,
  what: string,
  context: CheckContext,
): Promise<Listed | CheckResult> {
  const answer = await askJson({ url, headers, verify_tls }, context);
  if (isResult(answer)) return answer;
  const names = namesIn(answer.json);
  return (
    refusal(answer) ?? (names ? { names, source: answer.shown } : unknown(`${answer.shown} does not list ${what}s`))
  );
}

async function askProgram(
  command: readonly [string, ...string[]],
  context: CheckContext,
): Promise<Listed | CheckResult> {
  const { exit, by, notStarted, output } = await runCommand(command, context, LIST_BYTES);
  if (notStarted !== null) return unhealthy(`could not start "${command[0]}": ${notStarted}`);
  const lines = output.split('\n').map((line) => line.trim());
  const names = lines.filter((line) => line !== '');
  if (exit === 0) return { names, source: command[0] };
  const how = by === null ? `exit ${exit}` : `ended by ${by}`;
  return unhealthy([`${command[0]}: ${how}`, ...names.slice(-1)].join(': '));
}

/** Each entry's ways to be called, in one text. */
function namesIn(json: unknown): string[] | null {
  const inner = field(json, 'voices') ?? field(json, 'models') ?? field(json, 'data') ?? json;
  if (Array.isArray(inner)) return inner.map(nameOf);
  return typeof inner === 'object' && inner !== null ? Object.keys(inner) : null;
}

const nameOf = (entry: unknown): string =>
  typeof entry === 'string'
    ? entry
    : ['id', 'voice_id', 'name', 'key', 'model']
        .map((key) => field(entry, key))
        .filter((value) => typeof value === 'string')
        .join(' ');

/** Sound cards' devices that record; null: this system does not tell (no ALSA). */
export function countMicrophones(folder = '/proc/asound'): number | null {
  try {
    return readFileSync(`${folder}/pcm`, 'utf8')
      .split('\n')
      .filter((line) => /\bcapture \d+/.test(line)).length;
  } catch {
    return null;
  }
}
