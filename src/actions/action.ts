import type { z } from 'zod';
import type { BreakerControl } from '../breakers/index.ts';
import type { DegradationControl } from '../degradation/index.ts';
import type { AskedKind } from '../checkpoints/index.ts';
import type { Requester, Trigger } from '../model/index.ts';
import type { RecoverWish } from './recover.ts';

/** What was done: one line for people, and what a program would otherwise have to read out of it. */
export type Done = { readonly message: string } & Readonly<Record<string, unknown>>;

/** What an action may do to a component: carried out by its keeper, under the same guards for whoever asks. */
export interface Actor {
  /** Starts a component that is down; one that runs already is left alone. Resolves when verified healthy. */
  start(component: string, by: Requester): Promise<string>;
  /** Stops it and keeps it down until somebody starts it. */
  stop(component: string, by: Requester): Promise<string>;
  /** Resolves when the new process is verified healthy. */
  restart(component: string, by: Requester, force: boolean): Promise<string>;
  /** Says that an incident is over. */
  resolveIncident(incident: string, resolution: string, by: Requester): Promise<string>;
  /** Resolves when the state of now is kept. @param timeoutMs how long the component may take to answer. */
  checkpoint(component: string, by: Requester, timeoutMs: number, kind?: AskedKind): Promise<Done>;
  /**
   * Resolves when the states of these are on disk that belong together, and all of them go on. @param components null:
   * all that listen for it. @param timeoutMs for all of it.
   */
  checkpointTogether(components: readonly string[] | null, by: Requester, timeoutMs: number): Promise<Done>;
  /** Rejects with CHECKPOINT_NOT_FOUND and CHECKPOINT_CORRUPTED too. */
  recover(wish: RecoverWish, by: Requester): Promise<Done>;
  /** Reads the configuration again. */
  reload(): Promise<string>;
  readonly breakers: BreakerControl;
  readonly degradation: DegradationControl;
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
  /** @returns what was done, or just its line. Rejects with COMPONENT_NOT_FOUND, ACTION_REFUSED or ACTION_FAILED. */
  run(parameters: z.output<Parameters>, actor: Actor, by: Requester): Promise<string | Done>;
}

/** Keeps the parameters' type inside the file and forgets it outside: the registry holds all kinds alike. */
export function defineAction<Parameters extends z.ZodType>(action: Action<Parameters>): Action {
  return action as unknown as Action;
}
