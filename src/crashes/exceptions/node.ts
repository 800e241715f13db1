import { frameOf, linesOf, parsed, type ExceptionParser } from './parsed.ts';

const FRAME = /^ {4,}at (?:async )?(.*)$/;
/** What stands among the frames of one error. */
const BETWEEN = /^ {4,}(?:at |\.\.\. \d+ lines matching)|^Emitted 'error' event /;
/** `TypeError: text`, `Error [ERR_X]: text`, `Uncaught TypeError: text`, `Error` alone. */
const HEADER =
  /^(?:Uncaught |\(node:\d+\) )?([A-Z][\w$.]{0,80}|[\w$.]{0,80}(?:Error|Exception))(?: \[[A-Z0-9_]+\])?(?:: (.*))?$/;
const CAUSE = /^\s*\[cause\]: (?:\[)?([A-Za-z_$][\w$.]{0,80})(?: \[[A-Z0-9_]+\])?(?:: (.*))?/;
const TRAILER = /^Node\.js v\d/;
/** A message of many lines puts its header this far above the first frame at most. */
const LONGEST_HEADER_LINES = 30;

/** `fn (file:1:2)` or `file:1:2`; the runtime's own frames and those of packages are nobody's bug. */
function ownFrame(lines: readonly string[]): string | null {
  for (const line of lines) {
    const [, place = ''] = FRAME.exec(line) ?? [];
    const [, name, file] = /^(?:(.*) \()?(.*?):\d+:\d+\)?/.exec(place) ?? [];
    if (file && !/^node:|node_modules|^native|^internal\//.test(file)) return frameOf(file, name ?? '<anonymous>');
  }
  return null;
}

/** What was thrown without being an error: Node prints it between the place and its version. */
function thrownValue(lines: readonly { at: number; line: string }[], trailer: number): ReturnType<ExceptionParser> {
  const caret = lines.slice(0, trailer).findLastIndex(({ line }) => /^\s*\^+\s*$/.test(line));
  const start = Math.max(caret + 1, trailer - LONGEST_HEADER_LINES);
  const shown = lines
    .slice(start, trailer)
    .map(({ line }) => line)
    .filter((line) => line.trim() !== '' && !line.startsWith('(Use `node --trace'));
  const message = shown.join('\n').replace(/^Uncaught:?\s*/, '');
  const place = lines[caret - 2]?.line.replace(/:\d+$/, '') ?? '';
  const isOwn = caret >= 2 && place !== '' && !place.startsWith('node:');
  // An error without a stack is shown in brackets.
  const [, type = 'non_error', said = message] =
    /^\[([A-Za-z_$][\w$.]{0,80})(?: \[[A-Z0-9_]+\])?: ([^]*?)\](?: \{[^]*)?$/.exec(message) ?? [];
  const root = { type, frame: isOwn ? frameOf(place, '<thrown>') : null };
  return message === '' ? null : parsed(lines[start]?.at ?? 0, { type, message: said, stack: shown.join('\n'), root });
}

/** Errors as Node, Bun and Deno print them: a header, frames that begin with `at`, causes in brackets. */
export const nodeException: ExceptionParser = (text) => {
  const lines = linesOf(text);
  const trailer = lines.findLastIndex(({ line }) => TRAILER.test(line));
  const until = trailer < 0 ? lines.length : trailer;
  const last = lines.slice(0, until).findLastIndex(({ line }) => /^ {4}at /.test(line));
  // The first frame of the outermost error: causes are indented deeper, and their frames too.
  let first = last;
  while (first > 0 && BETWEEN.test(lines[first - 1]?.line ?? '')) first--;
  const headerFrom = Math.max(0, first - LONGEST_HEADER_LINES);
  const header =
    last < 0 ? -1 : headerFrom + lines.slice(headerFrom, first).findLastIndex(({ line }) => HEADER.test(line));
  const tooOld = trailer >= 0 && lines.slice(last + 1, trailer).some(({ line }) => /^\s*\^+\s*$/.test(line));
  if (last < 0 || header < headerFrom || tooOld) return trailer < 0 ? null : thrownValue(lines, trailer);

  const [, type = 'Error', start = ''] = HEADER.exec(lines[header]?.line ?? '') ?? [];
  const message = [start, ...lines.slice(header + 1, first).map(({ line }) => line)].join('\n');
  const block = lines.slice(header, until).map(({ line }) => line);
  const cause = block.findLastIndex((line) => CAUSE.test(line));
  const [, rootType = type] = CAUSE.exec(block[cause] ?? '') ?? [];
  const frame = (cause < 0 ? null : ownFrame(block.slice(cause + 1))) ?? ownFrame(block);
  return parsed(lines[header]?.at ?? 0, {
    type,
    message,
    stack: block.join('\n').trimEnd(),
    root: { type: rootType, frame },
  });
};
