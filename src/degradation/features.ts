import {
  priorities,
  type ComponentName,
  type DegradationLevel,
  type FeatureStanding,
  type Priority,
} from '../model/index.ts';
import { NETWORK, type DegradationPolicy, type FeaturePolicy } from './schema.ts';

/** Something that can be given up by itself. */
export interface Feature {
  readonly name: string;
  readonly priority: Priority;
  /** Features, components or `network`. */
  readonly dependsOn: readonly string[];
  /** Those that say that they provide it: without any of them it is not there. */
  readonly components: readonly ComponentName[];
  /** What answers in its place. */
  readonly fallback: Readonly<Record<string, unknown>>;
  readonly commands: Pick<FeaturePolicy, 'on_disable' | 'on_enable'>;
}
export type Features = ReadonlyMap<string, Feature>;

/** Components that are not there and that nobody brings back, with what is said of them: `has failed`. */
export type Gone = ReadonlyMap<ComponentName, string>;

/** What is asked of a component's configuration. */
export interface Provider {
  readonly priority: Priority;
  readonly features: readonly string[];
}

/** How many priorities, from critical on, each level leaves. */
const kept: Readonly<Record<DegradationLevel, number>> = { full: 4, reduced: 3, minimal: 2, emergency: 1, offline: 1 };

const allows = (level: DegradationLevel, priority: Priority): boolean => priorities.indexOf(priority) < kept[level];

/**
 * All features of a configuration. One that only components name has the priority of the most important of them: what
 * a critical component does is critical.
 */
export function featuresOf(
  degradation: Pick<DegradationPolicy, 'features'> | undefined,
  components: Readonly<Record<string, Provider>>,
): Features {
  const providers = new Map<string, ComponentName[]>();
  for (const [component, { features }] of Object.entries(components))
    for (const feature of features)
      providers.set(feature, [...(providers.get(feature) ?? []), component as ComponentName]);

  const priorityOf = (names: readonly ComponentName[]): Priority =>
    priorities.find((priority) => names.some((name) => components[name]?.priority === priority)) ?? 'medium';

  const named = Object.entries(degradation?.features ?? {}).map(
    ([name, { priority, depends_on, fallback, ...commands }]): Feature => ({
      name,
      priority,
      dependsOn: depends_on,
      components: providers.get(name) ?? [],
      fallback: answerOf(name, fallback),
      commands,
    }),
  );
  const known = new Set(named.map(({ name }) => name));
  const others = [...providers]
    .filter(([name]) => !known.has(name))
    .map(([name, by]): Feature => ({
      name,
      priority: priorityOf(by),
      dependsOn: [],
      components: by,
      fallback: answerOf(name, {}),
      commands: {},
    }));
  return new Map([...named, ...others].map((feature) => [feature.name, feature]));
}

/** What a caller gets in the place of what is off; the fields of its own count more. */
const answerOf = (name: string, own: Readonly<Record<string, unknown>>): Feature['fallback'] => ({
  success: false,
  error: `${name} temporarily unavailable`,
  fallback: true,
  ...own,
});

const ON: FeatureStanding = { enabled: true, reason: null, fallback: null };

/** Which features are on at a level, and why the others are not. Pure. */
export function standings(
  features: Features,
  level: DegradationLevel,
  gone: Gone,
): Readonly<Record<string, FeatureStanding>> {
  const reasons = new Map<string, string | null>();

  const whyOff = (feature: Feature): string | null => {
    const known = reasons.get(feature.name);
    if (known !== undefined) return known;
    // The configuration has no cycles; should it have one, it ends here.
    reasons.set(feature.name, null);
    const reason = byLevel(feature, level) ?? byProvider(feature, gone) ?? byDependency(feature);
    reasons.set(feature.name, reason);
    return reason;
  };

  /** A name may be that of a feature, of a component, or of both. */
  const byDependency = ({ dependsOn }: Feature): string | null => {
    for (const name of dependsOn) {
      if (name === NETWORK && level === 'offline') return 'it needs the network, and the level is offline';
      const why = gone.get(name as ComponentName);
      if (why !== undefined) return `it depends on ${name}, which ${why}`;
      const other = features.get(name);
      if (other && whyOff(other) !== null) return `it depends on ${name}, which is off`;
    }
    return null;
  };

  return Object.fromEntries(
    [...features.values()].map((feature) => {
      const reason = whyOff(feature);
      const standing = reason === null ? ON : { enabled: false, reason, fallback: feature.fallback };
      return [feature.name, standing];
    }),
  );
}

const byLevel = ({ priority }: Feature, level: DegradationLevel): string | null =>
  allows(level, priority) ? null : `the level is ${level}, and its priority ${priority}`;

function byProvider({ components }: Feature, gone: Gone): string | null {
  const lost = components.find((component) => gone.has(component));
  return lost === undefined ? null : `its component ${lost} ${gone.get(lost) ?? 'is gone'}`;
}
