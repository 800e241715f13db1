import { frameOf, linesOf, parsed, type ExceptionParser } from './parsed.ts';

/** `\t/path/main.go:8 +0x1d` below `main.plan(...)`; what is below GOROOT or a module cache is not the program's own. */
function goFrame(stack: string): string | null {
  for (const [, name = '', file = ''] of stack.matchAll(/^(\S+?)\(.*\)\n\t(\S+\.go):\d+/gm))
    if (!/\/go\/src\/|\/pkg\/mod\/|^runtime\./.test(file) && !/^(?:runtime|panic)\b/.test(name))
      return frameOf(file, name.split('/').at(-1) ?? name);
  return null;
}

/** Panics and fatal errors of Go, with the goroutine that died first. */
export const goException: ExceptionParser = (text) => {
  const lines = linesOf(text);
  if (!/^goroutine \d+ |^runtime: goroutine stack exceeds|^fatal error: /m.test(text)) return null;
  const start = lines.findIndex(({ line }) => /^(?:panic|fatal error): /.test(line));
  if (start < 0) return null;
  const at = lines[start]?.at ?? 0;
  const [, kind = 'panic', message = ''] = /^(panic|fatal error): (.*)$/.exec(lines[start]?.line ?? '') ?? [];
  const type = kind === 'panic' ? 'panic' : 'fatal_error';
  const stack = text.slice(at).trimEnd();
  return parsed(at, { type, message, stack, root: { type, frame: goFrame(stack) } });
};

/** Panics of Rust. */
export const rustException: ExceptionParser = (text) => {
  const found = [...text.matchAll(/^thread '[^'\n]*'(?: \(\d+\))? panicked at (.+?):\d+:\d+:\n(.*)/gm)].at(-1);
  if (!found) return null;
  const [, file = '', message = ''] = found;
  const root = { type: 'panic', frame: frameOf(file, 'panic') };
  return parsed(found.index, { type: 'panic', message, stack: text.slice(found.index).trimEnd(), root });
};

/** Exceptions that nobody caught in C++. */
export const cppException: ExceptionParser = (text) => {
  const pattern = /^terminate called after throwing an instance of '([^'\n]+)'(?:\n\s+what\(\):\s+(.*))?/gm;
  const found = [...text.matchAll(pattern)].at(-1);
  if (!found) return null;
  const [stack, type = '', message = ''] = found;
  return parsed(found.index, { type, message, stack, root: { type, frame: null } });
};
