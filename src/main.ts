#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram } from './cli/program.ts';
import { ParamedicError, sentenceOf, systemCode } from './errors.ts';

const USAGE = 2;

/** Tells the user in one sentence what failed. @returns the exit code. */
function report(error: unknown): number {
  // Commander has already said it.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  console.error(process.env['PARAMEDIC_DEBUG'] === '1' ? error : sentenceOf(error));
  return error instanceof ParamedicError ? error.exit : 1;
}

const exit = (error: unknown) => process.exit(report(error));
process.on('uncaughtException', exit);
// `paramedic events -f | head`: whoever read us has gone.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error) => (systemCode(error) === 'EPIPE' ? process.exit(0) : exit(error)));

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
