import type { Response } from 'express';
import { z } from 'zod';
import type { CommandLine } from '../supervisor/commands.ts';
import { openStream, type StreamDeps } from './server-sent.ts';

/** Who cannot do what he was told says so in so many bytes; what is longer is a state, and not looked into here. */
const LONGEST_INABILITY = 4_096;

const inability = z.strictObject({ error: z.string().trim().min(1) });

/** Serves a line of commands until the component hangs up or `listen` has it ended. */
export function holdCommands(response: Response, listen: (line: CommandLine) => () => void, deps: StreamDeps): void {
  const write = openStream(response, deps);
  const hangUp = listen({
    send: ({ kind, id }) => write(`id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify({ id })}\n\n`),
    end: () => void response.end(),
  });
  response.once('close', hangUp);
}

/** Why a component could not do what it was told, when the body is `{error}`; undefined: it is an answer. */
export function inabilityOf(body: Uint8Array): string | undefined {
  if (body.byteLength > LONGEST_INABILITY) return undefined;
  try {
    return inability.safeParse(JSON.parse(new TextDecoder().decode(body))).data?.error;
  } catch {
    return undefined;
  }
}
