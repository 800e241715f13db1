import { isDeepStrictEqual } from 'node:util';
import type { ComponentName, DegradationLevel, DegradationStanding, EpochMs, RecoveryEvent } from '../model/index.ts';
import type { DegradationDeps } from './create.ts';
import { FeatureCommands } from './feature-commands.ts';
import { standings, type Feature, type Features, type Gone } from './features.ts';

type SwitchesDeps = Pick<DegradationDeps, 'clock' | 'emit' | 'past' | 'run' | 'mask' | 'incidentOf'>;

/** Features as they are switched: those that nobody has switched are on. What is switched is returned to be stated. */
export class FeatureSwitches {
  readonly #incidentOf: DegradationDeps['incidentOf'];
  readonly #commands: FeatureCommands;
  readonly #off: Set<string>;
  #features: Features = new Map();
  #standing: DegradationStanding;

  /** There are no features until `configure` is called. @param off as an earlier daemon has left them. */
  constructor(deps: SwitchesDeps, level: DegradationLevel, off: ReadonlySet<string>) {
    this.#incidentOf = deps.incidentOf;
    this.#commands = new FeatureCommands(deps);
    this.#standing = { level, features: {} };
    this.#off = new Set(off);
  }

  /** The same object as long as nothing of it changes. */
  get standing(): DegradationStanding {
    return this.#standing;
  }

  get configured(): Feature[] {
    return [...this.#features.values()];
  }

  get off(): string[] {
    return [...this.#off];
  }

  /** What is no longer configured is given up by nobody any more: it is switched on, as it was configured last. */
  configure(next: Features, at: EpochMs): RecoveryEvent[] {
    const before = this.#features;
    this.#features = next;
    return this.off.flatMap((name) =>
      next.has(name) ? [] : [this.#switched(before.get(name) ?? name, true, null, { at, cause: null })],
    );
  }

  /** Switches what has to be switched. @param cause the component that went or came back; null: it was the level. */
  refresh(level: DegradationLevel, gone: Gone, at: EpochMs, cause: ComponentName | null): RecoveryEvent[] {
    const next = { level, features: standings(this.#features, level, gone) };
    if (isDeepStrictEqual(next, this.#standing)) return [];
    this.#standing = next;
    const incident = cause === null ? undefined : this.#incidentOf(cause);
    return this.configured.flatMap((feature) => {
      const { enabled = true, reason = null } = next.features[feature.name] ?? {};
      if (enabled !== this.#off.has(feature.name)) return [];
      return [this.#switched(feature, enabled, reason, { at, cause, ...(incident && { incident }) })];
    });
  }

  /** Runs commands that an earlier daemon has not brought to an end. */
  resume(): void {
    this.#commands.resume(this.#features);
  }

  /** Ends commands that run. Resolves when these have ended. */
  close(): Promise<void> {
    return this.#commands.close();
  }

  /** Features that would go with this component too. */
  atStake(component: ComponentName, gone: Gone): string[] {
    const { level, features } = this.#standing;
    const without = standings(this.#features, level, new Map([...gone, [component, '']]));
    return Object.keys(without).filter((name) => features[name]?.enabled && !without[name]?.enabled);
  }

  /** @param feature its name, where nothing more is known of it. */
  #switched(
    feature: Feature | string,
    enabled: boolean,
    reason: string | null,
    about: Pick<Extract<RecoveryEvent, { type: 'degradation.feature_changed' }>, 'at' | 'cause' | 'incident'>,
  ): RecoveryEvent {
    const name = typeof feature === 'string' ? feature : feature.name;
    if (enabled) this.#off.delete(name);
    else this.#off.add(name);
    if (typeof feature !== 'string') this.#commands.switched(feature, enabled, reason);
    return { type: 'degradation.feature_changed', ...about, feature: name, enabled, reason };
  }
}
