import { isDeepStrictEqual } from 'node:util';
import { waysToRun } from '../drivers/schema.ts';
import type { ComponentConfig, Config } from './schema.ts';

/** What a reload has to do. Components are named in the order of the file. */
export interface ConfigDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  /** Of the changed ones: what runs was started from other settings and must be restarted. The rest just applies. */
  readonly restartNeeded: readonly string[];
  /** Of the changed ones: those that depend on other components than before. */
  readonly dependenciesChanged: readonly string[];
  /** Top-level settings that changed (`components` and `defaults` aside). */
  readonly settings: readonly string[];
  /** Of those: what only a new daemon can apply. */
  readonly daemonRestartNeeded: readonly string[];
}

/** What a process got when it was started and cannot be told later. */
const startedWith = [
  ...waysToRun,
  'cwd',
  'env',
  'env_inherit',
  'user',
  'group',
  'nice',
] as const satisfies readonly (keyof ComponentConfig)[];
const boundAtBoot: readonly string[] = [
  'state_dir',
  'state_encryption',
  'listen',
  'insecure_http',
  'telemetry',
] satisfies readonly (keyof Config)[];

const differ = <T extends object>(before: T, after: T, keys: readonly (keyof T)[]): boolean =>
  keys.some((key) => !isDeepStrictEqual(before[key], after[key]));

/** Compares two configurations. The order of keys means nothing. */
export function diffConfig(before: Config, after: Config): ConfigDiff {
  const [old, now] = [before.components, after.components];
  const pairs = Object.entries(now).flatMap(([name, component]) => {
    const was = Object.hasOwn(old, name) ? old[name] : undefined;
    return was && !isDeepStrictEqual(was, component) ? [{ name, was, component }] : [];
  });
  const changedIn = (...keys: (keyof ComponentConfig)[]) =>
    pairs.filter(({ was, component }) => differ(was, component, keys)).map(({ name }) => name);
  const settings = (Object.keys(after) as (keyof Config)[]).filter(
    (key) => key !== 'components' && key !== 'defaults' && differ(before, after, [key]),
  );
  return {
    added: Object.keys(now).filter((name) => !Object.hasOwn(old, name)),
    removed: Object.keys(old).filter((name) => !Object.hasOwn(now, name)),
    changed: pairs.map(({ name }) => name),
    restartNeeded: changedIn(...startedWith),
    dependenciesChanged: changedIn('depends_on'),
    settings,
    daemonRestartNeeded: settings.filter((key) => boundAtBoot.includes(key)),
  };
}
