import type { StateStore } from '../checkpoints/index.ts';
import type { Clock } from '../clock.ts';
import { randomHex } from '../digest.ts';
import { failure, sentenceOf } from '../errors.ts';
import type { CheckpointId, CheckpointTrigger, ComponentName } from '../model/index.ts';
import { formatDuration } from '../units.ts';

/** What a component is told to do. */
export interface Command {
  readonly kind: 'get_state';
  readonly id: string;
}

/** A stream of commands that a component holds open. */
export interface CommandLine {
  send(command: Command): void;
  /** It is heard no more. */
  end(): void;
}

/**
 * What components are told, and what they answer. A component holds one line or several (one for each part of it that
 * listens): commands go to the newest. A command not yet answered goes again to whichever line becomes the newest, so
 * a component may hear it twice; it is answered once. All ends with the component's life.
 */
export interface Commands {
  /** The current life of a component listens from now on. @returns how to hang up. */
  listen(component: ComponentName, line: CommandLine): () => void;
  /**
   * Makes a component save its state; a request that comes while one waits for the same component joins it. Resolves
   * when the checkpoint is on disk. Rejects with ACTION_FAILED when the component does not listen, cannot, ends, or does
   * not answer within `timeoutMs`.
   */
  saveState(component: ComponentName, trigger: CheckpointTrigger, timeoutMs: number): Promise<CheckpointId>;
  /**
   * A component's answer.
   * @param body as of `PUT state`: unparsed, and given away.
   * @throws COMMAND_NOT_FOUND when nobody waits for it; rejects with what the store rejects with.
   */
  answer(component: ComponentName, id: string, body: Uint8Array): ReturnType<StateStore['putState']>;
  /** A component cannot do what it was told. @throws COMMAND_NOT_FOUND */
  decline(component: ComponentName, id: string, why: string): void;
}

export interface CommandsDeps {
  readonly clock: Clock;
  readonly putState: StateStore['putState'];
  /** Aborted when the current life of a component is over; undefined: it does not run. */
  readonly lifeOf: (component: ComponentName) => AbortSignal | undefined;
}

interface Held {
  readonly line: CommandLine;
  /** Hangs up and ends it. */
  readonly drop: () => void;
}

interface Waiting extends Command {
  readonly trigger: CheckpointTrigger;
  readonly saved: PromiseWithResolvers<CheckpointId>;
  /** Nobody waits for it any more. */
  readonly forget: () => void;
}

/** Lines that one component may hold; with one more the oldest is ended. */
const MOST_LINES = 4;

export function createCommands({ clock, putState, lifeOf }: CommandsDeps): Commands {
  /** Oldest first. */
  const lines = new Map<ComponentName, Held[]>();
  const waiting = new Map<ComponentName, Waiting>();

  const newest = (component: ComponentName) => lines.get(component)?.at(-1)?.line;
  const failed = (component: ComponentName, why: string, cause?: unknown) =>
    failure('ACTION_FAILED', { action: 'checkpoint', component, why }, { cause });

  function deliver(component: ComponentName): void {
    const command = waiting.get(component);
    if (command) newest(component)?.send({ kind: command.kind, id: command.id });
  }

  function ask(component: ComponentName, trigger: CheckpointTrigger, timeoutMs: number): Waiting {
    const life = lifeOf(component);
    const saved = Promise.withResolvers<CheckpointId>();
    const giveUp = (why: string) => {
      forget();
      saved.reject(failed(component, why));
    };
    const over = () => giveUp('it ended before it answered');
    const late = () =>
      giveUp(`it did not answer within ${formatDuration(timeoutMs)}: it hangs, or needs a longer timeout`);
    const cancel = clock.after(timeoutMs, late);
    life?.addEventListener('abort', over);
    const forget = () => {
      cancel();
      life?.removeEventListener('abort', over);
      waiting.delete(component);
    };
    const command: Waiting = { kind: 'get_state', id: randomHex(8), trigger, saved, forget };
    waiting.set(component, command);
    deliver(component);
    return command;
  }

  /** @throws COMMAND_NOT_FOUND */
  function take(component: ComponentName, id: string): Waiting {
    const command = waiting.get(component);
    if (command?.id !== id) throw failure('COMMAND_NOT_FOUND', { command: id, component });
    command.forget();
    return command;
  }

  return {
    listen(component, line) {
      const life = lifeOf(component);
      const hangUp = () => {
        life?.removeEventListener('abort', drop);
        const wasNewest = newest(component) === line;
        const others = (lines.get(component) ?? []).filter((held) => held.line !== line);
        if (others.length > 0) lines.set(component, others);
        else lines.delete(component);
        if (wasNewest) deliver(component);
      };
      const drop = () => {
        hangUp();
        line.end();
      };
      life?.addEventListener('abort', drop);
      const held = [...(lines.get(component) ?? []), { line, drop }];
      lines.set(component, held);
      if (held.length > MOST_LINES) held[0]?.drop();
      deliver(component);
      return hangUp;
    },

    async saveState(component, trigger, timeoutMs) {
      const known = waiting.get(component);
      if (known) return known.saved.promise;
      if (!newest(component))
        throw failed(
          component,
          'it does not listen for commands; a program does with onGetState of paramedic/client, or by holding GET /component/v1/commands open',
        );
      return ask(component, trigger, timeoutMs).saved.promise;
    },

    async answer(component, id, body) {
      const { trigger, saved } = take(component, id);
      try {
        const stored = await putState(component, body, trigger);
        saved.resolve(stored.checkpoint_id);
        return stored;
      } catch (error) {
        saved.reject(failed(component, `its answer was not stored: ${sentenceOf(error)}`, error));
        throw error;
      }
    },

    decline(component, id, why) {
      take(component, id).saved.reject(failed(component, `it answered: ${why}`));
    },
  };
}
