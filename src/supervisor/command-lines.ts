import type { CommandKind, ComponentName } from '../model/index.ts';

/** What a component is told. */
export interface Command {
  readonly kind: CommandKind;
  readonly id: string;
  /** What belongs to it, in the names of the protocol; small, for it travels on a stream. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A stream of commands that a component holds open. */
export interface CommandLine {
  /** What the component does when it is told; other kinds are not sent. */
  readonly kinds: ReadonlySet<CommandKind>;
  send(command: Command): void;
  /** It is heard no more. */
  end(): void;
}

/** Lines that one component may hold; with one more the oldest is ended. */
const MOST_LINES = 4;

export interface CommandLinesDeps {
  /** Aborted when the current life of a component is over; undefined: it does not run. */
  readonly lifeOf: (component: ComponentName) => AbortSignal | undefined;
  /** Another line has become the newest for these kinds. */
  readonly onNewest: (component: ComponentName, kinds: ReadonlySet<CommandKind>) => void;
}

/** Who listens to what: a component's lines end with its life. */
export class CommandLines {
  readonly #deps: CommandLinesDeps;
  /** Oldest first; `drop` hangs up and ends it. */
  readonly #held = new Map<ComponentName, { readonly line: CommandLine; readonly drop: () => void }[]>();

  constructor(deps: CommandLinesDeps) {
    this.#deps = deps;
  }

  /** @returns how to hang up. */
  add(component: ComponentName, line: CommandLine): () => void {
    const life = this.#deps.lifeOf(component);
    const hangUp = () => {
      life?.removeEventListener('abort', drop);
      const wasNewestFor = [...line.kinds].filter((kind) => this.newest(component, kind) === line);
      const others = (this.#held.get(component) ?? []).filter((held) => held.line !== line);
      if (others.length > 0) this.#held.set(component, others);
      else this.#held.delete(component);
      if (wasNewestFor.length > 0) this.#deps.onNewest(component, new Set(wasNewestFor));
    };
    const drop = () => {
      hangUp();
      line.end();
    };
    life?.addEventListener('abort', drop);
    const held = [...(this.#held.get(component) ?? []), { line, drop }];
    this.#held.set(component, held);
    if (held.length > MOST_LINES) held[0]?.drop();
    this.#deps.onNewest(component, line.kinds);
    return hangUp;
  }

  newest(component: ComponentName, kind: CommandKind): CommandLine | undefined {
    return this.#held.get(component)?.findLast(({ line }) => line.kinds.has(kind))?.line;
  }

  /** That listen for this kind, several of one component too: each part of it has a line of its own. */
  all(kind: CommandKind): CommandLine[] {
    return [...this.#held.values()].flat().flatMap(({ line }) => (line.kinds.has(kind) ? line : []));
  }
}
