import type { Response } from 'express';
import { z } from 'zod';
import { commandKinds, type CommandKind } from '../model/index.ts';
import type { CommandLine } from '../supervisor/command-lines.ts';
import { openStream, type StreamDeps } from './server-sent.ts';

/** Who cannot do what he was told says so in so many bytes; what is longer is a state, and not looked into here. */
const LONGEST_INABILITY = 4_096;

const inability = z.strictObject({ error: z.string().trim().min(1) });

/** `?kinds=A,B`: what the component does when it is told. Those that we do not know are never sent. */
export const commandsQuery = z.object({
  kinds: z
    .string()
    .max(1_000)
    .default('get_state')
    .transform((names): ReadonlySet<CommandKind> => {
      const named = new Set(names.split(','));
      return new Set(commandKinds.filter((kind) => named.has(kind)));
    }),
});

/** Serves a line of commands until the component hangs up or `listen` has it ended. */
export function holdCommands(
  response: Response,
  kinds: ReadonlySet<CommandKind>,
  listen: (line: CommandLine) => () => void,
  deps: StreamDeps,
): void {
  const write = openStream(response, deps);
  const hangUp = listen({
    kinds,
    send: ({ kind, id, data }) => write(`id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify({ id, ...data })}\n\n`),
    end: () => void response.end(),
  });
  response.once('close', hangUp);
}

/** Why a component could not do what it was told, when the body is `{error}`; undefined: it is an answer. */
export function inabilityOf(body: readonly Buffer[]): string | undefined {
  if (body.reduce((sum, { length }) => sum + length, 0) > LONGEST_INABILITY) return undefined;
  try {
    return inability.safeParse(JSON.parse(new TextDecoder().decode(Buffer.concat(body)))).data?.error;
  } catch {
    return undefined;
  }
}
