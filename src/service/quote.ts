/*
 * How systemd reads a unit file, turned round. A value is first split into words, quotes and C escapes are undone
 * (systemd.syntax), then %-specifiers are replaced (systemd.unit), at last, in the arguments of a command, $VARIABLES
 * (systemd.service).
 */

const PLAIN = /^[\w./:=@+,-]+$/;
const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\t': '\\t', '\r': '\\r' };

/** A value that is taken as it stands, up to the end of its line: the text of a description, a path. */
export const value = (text: string): string => text.replaceAll('%', '%%');

function quoted(text: string): string {
  if (PLAIN.test(text)) return text;
  const escaped = text.replace(
    // oxlint-disable-next-line no-control-regex
    /[\\"\u0000-\u001f\u007f]/g,
    (char) => NAMED[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return `"${escaped}"`;
}

/** One word of a list, such as `NAME=value` of Environment=. A zero byte cannot be written. */
export const word = (text: string): string => quoted(value(text));

/** A command line. Its first word, the program, is not searched for $VARIABLES; the others are. */
export const commandLine = (program: string, ...args: readonly string[]): string =>
  [word(program), ...args.map((arg) => word(arg.replaceAll('$', '$$$$')))].join(' ');

/** Systemd runs no program with such a path, however it is written. */
// oxlint-disable-next-line no-control-regex
export const UNFIT_PROGRAM = /["'\\\u0000-\u001f\u007f]/;
