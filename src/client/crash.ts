import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

/** How a crash is told; what is longer is cut off, never refused. */
const LONGEST = { type: 200, message: 10_000, stack: 64 * 1_024 } as const;
const STDERR = 2;

/** The body of `POST crash`, of whatever was thrown. */
export function crashBody(thrown: unknown): string {
  const isError = thrown instanceof Error;
  const type = isError ? thrown.name || 'Error' : 'non_error';
  const message = isError ? thrown.message : inspect(thrown);
  const stack = isError ? inspect(thrown) : '';
  return JSON.stringify({
    type: type.slice(0, LONGEST.type),
    message: message.slice(0, LONGEST.message),
    stack: stack.slice(0, LONGEST.stack),
  });
}

/**
 * From now on an uncaught exception or an unhandled rejection is printed as always and told, and then ends the process
 * with 1. @returns how to undo it.
 */
export function onUncaught(tell: (thrown: unknown) => Promise<void>): () => void {
  let dying = false;
  const die = (thrown: unknown): void => {
    print(thrown);
    // Whatever is thrown while we die, the first is what we die of.
    if (dying) return;
    dying = true;
    void tell(thrown)
      .catch(() => undefined)
      .finally(() => process.exit(1));
  };
  process.on('uncaughtException', die);
  return () => void process.off('uncaughtException', die);
}

function print(thrown: unknown): void {
  try {
    writeSync(STDERR, `Uncaught ${inspect(thrown)}\n\nNode.js ${process.version}\n`);
  } catch {
    // A full disk or a closed pipe must not keep us from telling.
  }
}
