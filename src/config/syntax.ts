import type { YAMLError } from 'yaml';

const sentences: Partial<Record<YAMLError['code'], string>> = {
  TAB_AS_INDENT: 'tabs are not allowed as indentation; use spaces',
  MULTIPLE_DOCS: 'expected one document, got a second one here',
  BLOCK_AS_IMPLICIT_KEY: 'expected one "key: value" per line; a text that contains ": " needs quotes',
  MULTILINE_IMPLICIT_KEY: 'expected "key: value"',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply',
};

/** The first line of a message, without the capital of a sentence. */
export const firstLine = (text: string): string =>
  (text.split('\n', 1)[0] ?? '').trim().replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());

/** What is wrong with the syntax at `pos`, in words for the author of the file. */
export function syntaxSentence({ code, message, pos: [at] }: YAMLError, text: string): string {
  const sentence = sentences[code];
  if (sentence) return sentence;
  if (text.slice(at - 1, at + 1) === '${') return 'a text with ${…} inside { } or [ ] needs quotes';
  if (message.endsWith('at node end')) return 'unexpected text after a value; put quotes round all that belongs to it';
  return firstLine(message);
}

/**
 * The errors worth telling: what follows another one in its line, and a parser that has lost its way, is not the
 * author's doing.
 */
export function worthTelling(errors: readonly YAMLError[], lineOf: (offset: number) => number): YAMLError[] {
  const lines = new Set<number>();
  return errors.filter(({ message, pos: [at] }, i) => {
    const line = lineOf(at);
    if (lines.has(line) || (i > 0 && message.includes('in YAML stream'))) return false;
    lines.add(line);
    return true;
  });
}
