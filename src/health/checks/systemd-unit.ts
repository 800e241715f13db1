import { z } from 'zod';
import {
  critical,
  defineCheck,
  degraded,
  healthy,
  unhealthy,
  unknown,
  type CheckContext,
  type CheckResult,
} from '../check.ts';
import { runCommand } from '../run-command.ts';

const OUTPUT_BYTES = 64 * 1_024;
/** As with the services of Windows: fewer down is degraded. */
const MANY = 3;

const options = z.strictObject({
  unit: z
    .string()
    .regex(/^[\w@:.\\-]+$/, { error: () => 'expected the name of a unit, such as nginx.service' })
    .optional()
    .describe('Unit that must be active; default: no unit may have failed.'),
  ignore: z.array(z.string().min(1)).default([]).describe('Units that may have failed, without `unit`.'),
  user: z.boolean().default(false).describe("Ask the service manager of the daemon's own user."),
});

/** Asks once with `systemctl`, about 10 ms of CPU; ended with its group when the check's timeout is over. */
export const systemdUnit = defineCheck({
  kind: 'systemd_unit',
  summary: 'Healthy while a unit of systemd is active, or none has failed: up to two are degraded, more critical.',
  options,
  async run({ unit, ignore, user }, context) {
    const ask = (...args: string[]) => systemctl([...(user ? ['--user'] : []), ...args], context);
    return unit === undefined ? anyFailed(ask, ignore) : isActive(ask, unit);
  },
});

type Ask = (...args: string[]) => Promise<string | CheckResult>;

async function systemctl(args: readonly string[], context: CheckContext): Promise<string | CheckResult> {
  const end = await runCommand(['systemctl', '--no-pager', ...args], context, OUTPUT_BYTES);
  context.signal.throwIfAborted();
  if (end.notStarted !== null) return unknown('there is no systemctl: this machine does not run systemd');
  if (end.exit === 0) return end.output;
  const said = end.output.trim().split('\n').at(-1) ?? '';
  return unknown(`systemd does not answer: ${said || `systemctl ended with ${end.exit ?? end.by}`}`);
}

async function isActive(ask: Ask, unit: string): Promise<CheckResult> {
  const said = await ask('show', '--property=LoadState,ActiveState,SubState,Result,NRestarts', '--', unit);
  if (typeof said !== 'string') return said;
  const { LoadState, ActiveState, SubState, Result, NRestarts } = properties(said);
  if (!LoadState || !ActiveState) return unknown(`systemctl says nothing of ${unit}`);
  if (LoadState === 'not-found') return unhealthy(`there is no unit ${unit}`, 8);
  const state = `${unit} is ${ActiveState}${SubState ? ` (${SubState})` : ''}`;
  if (ActiveState === 'active') {
    const restarts = Number(NRestarts) > 0 ? `, restarted ${NRestarts} times` : '';
    return healthy(`${state}${restarts}`);
  }
  if (['activating', 'reloading', 'refreshing'].includes(ActiveState)) return degraded(state);
  if (ActiveState === 'failed') return unhealthy(`${state}${Result ? `: ${Result}` : ''}`, 8);
  return unhealthy(state);
}

/** The number of failed units is asked for too: a list with nothing in it alone would prove nothing. */
async function anyFailed(ask: Ask, ignore: readonly string[]): Promise<CheckResult> {
  const said = await ask('show', '--property=NFailedUnits,NNames');
  if (typeof said !== 'string') return said;
  const { NFailedUnits, NNames } = properties(said);
  if (!NFailedUnits || !Number(NNames)) return unknown('systemctl does not say how many units have failed');
  if (NFailedUnits === '0') return healthy(`no unit of ${NNames} has failed`);
  const list = await ask('list-units', '--failed', '--plain', '--no-legend', '--full');
  if (typeof list !== 'string') return list;
  const names = list.split('\n').flatMap((line) => line.trim().split(/\s+/)[0] || []);
  if (names.length === 0) return degraded(`${NFailedUnits} units have failed, but systemctl does not name them`);
  const failed = names.filter((name) => !ignore.includes(name));
  if (failed.length === 0) return healthy(`none has failed but those that may: ${names.join(', ')}`);
  const sentence = `failed: ${failed.join(', ')}`;
  return failed.length < MANY ? degraded(sentence, 4) : critical(sentence);
}

const properties = (text: string): Partial<Record<string, string>> =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf('=');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1).trim()]] : [];
    }),
  );
