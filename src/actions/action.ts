import type { z } from 'zod';
import type { BreakerControl } from '../breakers/index.ts';
import type { Requester, Trigger } from '../model/index.ts';

/** What an action may do to a component: carried out by its keeper, under the same guards for whoever asks. */
export interface Actor {
  /** Starts a component that is down; one that runs already is left alone. Resolves when verified healthy. */
  start(component: string, by: Requester): Promise<string>;
  /** Stops it and keeps it down until somebody starts it. */
  stop(component: string, by: Requester): Promise<string>;
  /** Resolves when the new process is verified healthy. */
  restart(component: string, by: Requester, force: boolean): Promise<string>;
  /** Reads the configuration again. */
  reload(): Promise<string>;
  readonly breakers: BreakerControl;
}

/** The trigger that an event names for who asked. */
export const triggerOf: Readonly<Record<Requester, Trigger>> = {
  supervisor: 'policy',
  person: 'manual',
  webhook: 'alert',
};

/** One thing that may be asked for: name, sentence, parameters and behaviour in one file. */
export interface Action<Parameters extends z.ZodType = z.ZodType> {
  readonly kind: string;
  readonly summary: string;
  readonly parameters: Parameters;
  /** @returns one line that says what was done. Rejects with COMPONENT_NOT_FOUND, ACTION_REFUSED or ACTION_FAILED. */
  run(parameters: z.output<Parameters>, actor: Actor, by: Requester): Promise<string>;
}

/** Keeps the parameters' type inside the file and forgets it outside: the registry holds all kinds alike. */
export function defineAction<Parameters extends z.ZodType>(action: Action<Parameters>): Action {
  return action as unknown as Action;
}
