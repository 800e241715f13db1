/** An error that a program's runtime printed when it gave up. */
export interface ParsedException {
  /** Class or kind: TypeError, ValueError, panic. */
  readonly type: string;
  readonly message: string;
  /** As printed. */
  readonly stack: string;
  /** What it goes back to (the innermost cause), and where in the program's own code that was thrown. */
  readonly root: { readonly type: string; readonly frame: string | null };
}

/** Where in the text it was found: of several the last one ended the program. */
export interface FoundException {
  readonly at: number;
  readonly exception: ParsedException;
}

/** Finds the last error that one kind of runtime printed. */
export type ExceptionParser = (text: string) => FoundException | null;

const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 32_000;

export const parsed = (at: number, { type, message, stack, root }: ParsedException): FoundException => ({
  at,
  exception: { type, message: message.slice(0, LONGEST_MESSAGE), stack: stack.slice(0, LONGEST_STACK), root },
});

/** `src/agent.ts:plan`: the same on each machine and after each edit above it, so without folders and line numbers. */
export function frameOf(file: string, name: string): string {
  const parts = file.replace(/^file:\/\//, '').split(/[\\/]/);
  return `${parts.slice(-2).join('/')}:${name}`;
}

/** The lines of a text with the offset of each. */
export function linesOf(text: string): { readonly at: number; readonly line: string }[] {
  let at = 0;
  return text.split('\n').map((line) => {
    const entry = { at, line: line.replace(/\r$/, '') };
    at += line.length + 1;
    return entry;
  });
}
