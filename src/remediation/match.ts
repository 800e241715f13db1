import { sha256 } from '../digest.ts';
import { ALERT_HOLDS_MS, levelWish } from '../level-wish.ts';
import { HOST, type ActionName, type EpochMs } from '../model/index.ts';
import { fillIn } from '../template.ts';
import { writeUnit } from '../units.ts';
import type { Alert } from './alert.ts';
import type { Decided } from './book.ts';
import type { RemediationRule } from './schema.ts';

/** A label may be as long as a body: what cannot be a name is nobody's. */
export const nameIn = (text: string | undefined): string | null =>
  text !== undefined && text !== '' && text.length <= LONGEST_NAME ? text : null;

const LONGEST_NAME = 64;

/** What an alert asks for under a rule. */
export interface Asked {
  readonly action: ActionName;
  /** As the registry takes them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The component that is meant; null: the alert does not say. */
  readonly component: string | null;
  readonly force: boolean;
}

/** The first rule whose labels the alert has all. */
export function firstMatch(rules: readonly RemediationRule[], { labels }: Pick<Alert, 'labels'>): number | null {
  const found = rules.findIndex(({ match }) =>
    Object.entries(match).every(([name, wanted]) => {
      const value = Object.hasOwn(labels, name) ? labels[name] : undefined;
      return value !== undefined && (Array.isArray(wanted) ? wanted.includes(value) : wanted === value);
    }),
  );
  return found < 0 ? null : found;
}

/** What a rule is known by: the same wherever it stands in the list, and whatever its limits are. */
export const ruleIdOf = ({ match, action }: RemediationRule): string =>
  sha256(JSON.stringify([Object.entries(match).toSorted(([a], [b]) => (a < b ? -1 : 1)), action])).slice(0, 16);

/** What is meant is the machine, whichever component the alert is about. */
export const isOfHost = (action: ActionName): boolean => action === 'degrade';

function degrading({ level, for: forMs }: NonNullable<RemediationRule['action']['degrade']>): Asked {
  const parameters = { level, ...(forMs !== undefined && { for: writeUnit('duration', forMs) }) };
  return { action: 'degrade', parameters, component: HOST, force: false };
}

/** What a level that is asked for later than it was decided is held for: what is left of its time; null: nothing. */
export function restOf(
  { at, parameters }: Pick<Decided, 'at' | 'parameters'>,
  now: EpochMs,
): Asked['parameters'] | null {
  const { data } = levelWish.safeParse(parameters);
  if (!data || data.level === 'auto') return parameters;
  const leftMs = (data.for ?? ALERT_HOLDS_MS) - Math.max(0, now - at);
  return leftMs > 0 ? { ...parameters, for: writeUnit('duration', leftMs) } : null;
}

/** @param rule exactly one of its actions is given. */
export function askedBy({ action: { degrade, ...others } }: RemediationRule, alert: Alert): Asked {
  if (degrade) return degrading(degrade);
  const [name, options] = Object.entries(others).find(([, given]) => given !== undefined) ?? [];
  const { component: template, ...rest } = options ?? { component: '' };
  const filled = fillIn(template, alert);
  const component = nameIn('text' in filled ? filled.text : undefined);
  return {
    action: name as ActionName,
    parameters: { ...rest, component },
    component,
    force: 'force' in rest && rest.force === true,
  };
}
