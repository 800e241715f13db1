import { frameOf, linesOf, parsed, type ExceptionParser } from './parsed.ts';

const FRAME = /^ {2}File "(.+?)", line \d+(?:, in (.+))?$/;
const HEADER = /^([A-Za-z_][\w.]{0,120})(?:: (.*))?$/;
const LIBRARY = /[\\/](?:site-packages|dist-packages|lib[\\/]python[\d.]+)[\\/]|^<frozen /;
const LINK = /^(?:The above exception was the direct cause|During handling of the above exception)/;

/** One exception: its frames, the innermost last, then the line that names it. */
interface Block {
  readonly start: number;
  readonly header: number;
  readonly frames: readonly string[];
  /** It came of the block before. */
  readonly linked: boolean;
}

function blocksOf(lines: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let [start, linked, frames] = [-1, false, [] as string[]];
  for (const [i, line] of lines.entries()) {
    const [, file, name = '<module>'] = FRAME.exec(line) ?? [];
    if (LINK.test(line)) linked = blocks.length > 0;
    else if (line.startsWith('Traceback (')) [start, frames] = [i, []];
    else if (file !== undefined) {
      // A SyntaxError comes without the line above its only frame.
      if (start < 0) start = i;
      if (!LIBRARY.test(file)) frames.push(frameOf(file, name));
    } else if (start >= 0 && line !== '' && !line.startsWith(' ')) {
      if (HEADER.test(line) && i > start + 1) blocks.push({ start, header: i, frames, linked });
      [start, linked, frames] = [-1, false, []];
    }
  }
  return blocks;
}

/** Tracebacks of Python: the most recent call last, of a chain the cause first. */
export const pythonException: ExceptionParser = (text) => {
  const places = linesOf(text);
  const lines = places.map(({ line }) => line);
  const blocks = blocksOf(lines);
  const last = blocks.at(-1);
  if (!last) return null;
  const cause = blocks.findLastIndex(({ linked }) => !linked);
  const root = blocks[cause] ?? last;
  const named = ({ header }: Block) => HEADER.exec(lines[header] ?? '') ?? [];
  const classOf = (block: Block) => named(block)[1]?.split('.').at(-1) ?? 'Exception';
  const end = lines.indexOf('', last.header);
  const more = lines.slice(last.header + 1, end < 0 ? undefined : end);
  return parsed(places[last.header]?.at ?? 0, {
    type: classOf(last),
    message: [named(last)[2] ?? '', ...more].join('\n'),
    stack: [...lines.slice(root.start, last.header + 1), ...more].join('\n'),
    root: { type: classOf(root), frame: root.frames.at(-1) ?? last.frames.at(-1) ?? null },
  });
};
