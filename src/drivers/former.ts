import { isDeepStrictEqual } from 'node:util';
import type { EngineIdentity } from '../model/index.ts';
import type { RecordedRun } from './driver.ts';
import { engineSchema, placeOf, type EngineSettings } from './schema.ts';

/**
 * How what a record tells of is reached, when the configuration names something else to run the component.
 * `same`: it is what the configuration names; `unreachable`: only the configuration of that time could tell.
 */
export type Former = 'same' | 'unreachable' | { readonly engine: EngineSettings | undefined };

/** @param now what runs the component by its configuration; undefined: it is a child process. */
export function formerOf({ engine: was }: RecordedRun, now: EngineSettings | undefined): Former {
  if (was === null) return now ? { engine: undefined } : 'same';
  // Records of earlier versions have no place: then the driver compares the names.
  if (now?.kind === was.engine && (!was.place || isDeepStrictEqual(was.place, placeOf(now)))) return 'same';
  const engine = settingsOf(was);
  return engine ? { engine } : 'unreachable';
}

/** All but the place is as by default: it is only told to stop. Undefined: a place alone does not lead there. */
function settingsOf({ engine: kind, place }: EngineIdentity): EngineSettings | undefined {
  if (kind === 'commands' || kind === 'parent') return undefined;
  const { data } = engineSchema[kind].safeParse(place);
  return data && ({ kind, ...data } as EngineSettings);
}
