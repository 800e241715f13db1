import { sha256 } from '../digest.ts';
import type { ActionName } from '../model/index.ts';
import { fillIn } from '../template.ts';
import type { Alert } from './alert.ts';
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

/** @param rule exactly one of its actions is given. */
export function askedBy({ action }: RemediationRule, alert: Alert): Asked {
  const [name, options] = Object.entries(action).find(([, given]) => given !== undefined) ?? [];
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
