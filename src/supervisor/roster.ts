import type { ComponentConfig } from '../config/index.ts';
import { isKeptRunning } from '../drivers/index.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { ComponentName } from '../model/index.ts';
import type { Keeper } from './keeper.ts';
import { orUnkillable } from './life.ts';

/** All keepers by name, with the order that their dependencies give them. */
export class Roster {
  readonly #keepers = new Map<ComponentName, Keeper>();
  /** Taken off the list, and not yet gone. */
  readonly #leaving = new Map<ComponentName, Keeper>();

  add(keeper: Keeper): void {
    this.#keepers.set(keeper.name, keeper);
    this.#leaving.delete(keeper.name);
  }

  /** Takes it off the list; until `gone` it is still stopped with the others, and may come back. */
  remove(keeper: Keeper): void {
    this.#keepers.delete(keeper.name);
    this.#leaving.set(keeper.name, keeper);
  }

  /** The one that is on its way out, whose process may still live. */
  leaving(name: ComponentName): Keeper | undefined {
    return this.#leaving.get(name);
  }

  /** On the list or on its way out. */
  living(name: ComponentName): Keeper | undefined {
    return this.find(name) ?? this.leaving(name);
  }

  /** The component whose process speaks for it: itself, or what it lives in. */
  processOf(name: ComponentName): Keeper | undefined {
    const keeper = this.living(name);
    return keeper?.config.parent ? this.living(keeper.config.parent.name as ComponentName) : keeper;
  }

  /** Nothing of it lives any more. @returns false when it has come back meanwhile. */
  gone(keeper: Keeper): boolean {
    return this.#leaving.get(keeper.name) === keeper && this.#leaving.delete(keeper.name);
  }

  find(name: string): Keeper | undefined {
    return this.#keepers.get(name as ComponentName);
  }

  /** @throws COMPONENT_NOT_FOUND */
  get(name: string): Keeper {
    const keeper = this.find(name);
    if (!keeper) throw failure('COMPONENT_NOT_FOUND', { component: name });
    return keeper;
  }

  [Symbol.iterator](): Iterator<Keeper> {
    return this.#keepers.values();
  }

  /** Those that live inside its process. */
  insideOf(name: ComponentName): Keeper[] {
    return [...this.#keepers.values()].filter(({ config }) => config.parent?.name === name);
  }

  /** Those that depend on it directly, or live inside it. */
  dependents(name: ComponentName): Keeper[] {
    return [...this.#keepers.values()].filter(({ config }) => leansOn(config).includes(name));
  }

  /**
   * Stops all at once where nothing forbids it: a component goes when those that depend on it have gone. One that
   * cannot be killed holds up nobody.
   * @returns a sentence about each that is still there.
   */
  async stopAll(why: string): Promise<string[]> {
    const remaining: string[] = [];
    const leave = (keeper: Keeper): Promise<void> =>
      leaveAs(keeper, why).catch((error: unknown) => void remaining.push(`${keeper.name}: ${sentenceOf(error)}`));
    const stopping = new Map<ComponentName, Promise<void>>();
    const stop = (keeper: Keeper): Promise<void> => {
      const known = stopping.get(keeper.name);
      if (known) return known;
      const stopped = Promise.all(this.dependents(keeper.name).map(stop)).then(() => leave(keeper));
      stopping.set(keeper.name, stopped);
      return stopped;
    };
    const leaving = [...this.#leaving.values()].map(leave);
    await Promise.all([...leaving, ...[...this.#keepers.values()].map(stop)]);
    return remaining;
  }
}

/** What is to be kept running is let go as it is. */
async function leaveAs(keeper: Keeper, why: string): Promise<void> {
  if (isKeptRunning(keeper.config)) keeper.forsake();
  else await orUnkillable(keeper.life, keeper.stop(why));
}
/** What must be up before it starts: what it depends on, and what it lives in. */
export const leansOn = ({ depends_on, parent }: Pick<ComponentConfig, 'depends_on' | 'parent'>): ComponentName[] =>
  (parent ? [...depends_on, parent.name] : depends_on) as ComponentName[];

/** Names in an order in which each comes after what it depends on. The configuration has no cycles. */
export function startOrder(
  components: Readonly<Record<string, Pick<ComponentConfig, 'depends_on' | 'parent'>>>,
): ComponentName[] {
  const ordered = new Set<string>();
  const visit = (name: string): void => {
    if (ordered.has(name)) return;
    const component = components[name];
    for (const dependency of component ? leansOn(component) : []) visit(dependency);
    ordered.add(name);
  };
  for (const name of Object.keys(components)) visit(name);
  return [...ordered] as ComponentName[];
}
