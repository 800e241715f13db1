import { z } from 'zod';
import { didYouMean } from './nearest.ts';
import { maskText, namesSecret } from './secrets.ts';
import { either, wordsFor } from './shape.ts';
import { child, follow, joinPath, type Node, type Problem } from './tree.ts';

type Issue = z.core.$ZodIssue;

/** What zod calls for each issue that has no sentence of its own: the expectation, the value is added later. */
export function expectation(issue: z.core.$ZodRawIssue): string {
  const owner = (issue.schema ?? issue.inst) as z.ZodType | undefined;
  if (issue.code === 'unrecognized_keys') {
    const known = owner instanceof z.ZodObject ? Object.keys(owner.shape) : [];
    return issue.keys.map((key) => `unknown key "${key}"${didYouMean(key, known)}`).join('\n');
  }
  if (issue.code === 'too_small' && issue.origin === 'string') return 'expected a text that is not empty';
  if (issue.code === 'too_small' && issue.origin === 'array') return `expected a list of at least ${issue.minimum}`;
  if (issue.code === 'too_big' && issue.origin === 'string') return `expected at most ${issue.maximum} characters`;
  if (issue.code === 'too_big' && issue.origin === 'array') return `expected a list of at most ${issue.maximum}`;
  if (issue.code === 'invalid_format')
    return issue.format === 'regex' ? `expected a text like ${issue.pattern}` : `expected a valid ${issue.format}`;
  if (issue.code === 'invalid_value' && issue.values.length === 1) return `expected ${String(issue.values[0])}`;
  return owner ? `expected ${wordsFor(owner)}` : 'not allowed here';
}

const LONGEST = 40;

/** A value shown shortly; never what came through `${…}`, and never what its key calls a secret. */
export function shown(node: Node): string {
  if (node.is === 'list') return node.items.length === 0 ? 'an empty list' : 'a list';
  if (node.is === 'map') return 'settings (key: value)';
  if (node.reference) return `the value of "${node.reference.written}"`;
  if (node.value === null) return 'nothing';
  if (namesSecret(node.path)) return 'a hidden value';
  const text = typeof node.value === 'string' ? JSON.stringify(maskText(node.value)) : String(node.value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** A union failed in all its choices: what is wrong inside the one that fits best, or all that it would accept. */
function ofUnion(issue: Issue & { code: 'invalid_union' }): Issue[] {
  const inside = issue.errors.find((choice) => choice.some(({ path }) => path.length > 0));
  if (inside) return inside.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  const words = issue.errors.flatMap((choice) =>
    choice.slice(0, 1).map(({ message }) => message.replace(/^expected /, '')),
  );
  return [{ code: 'custom', path: issue.path, message: `expected ${either([...new Set(words)])}` }];
}

function ofIssue(root: Node, issue: Issue): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const { node } = follow(root, issue.path);
    const sentences = issue.message.split('\n');
    return issue.keys.map((key, i) => {
      const entry = child(node, key) ?? node;
      return { at: entry.keyAt, path: entry.path, sentence: sentences[i] ?? `unknown key "${key}"` };
    });
  }
  const { node, rest } = follow(root, issue.path);
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? 'this name is not allowed';
    const key = String(issue.path.at(-1));
    return [
      {
        at: node.keyAt,
        path: node.path,
        sentence: message.startsWith('expected') ? `${message}, got "${key}"` : message,
      },
    ];
  }
  if (rest.length > 0) {
    const path = rest.reduce<string>((before, key) => joinPath(before, String(key)), node.path);
    const sentence = `missing required key "${String(rest.at(-1))}"; ${issue.message}`;
    return [{ at: node.keyAt, path, sentence }];
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0 && !issue.message.startsWith('expected a '))
    return ofUnion(issue).flatMap((inner) => ofIssue(root, inner));
  const told = !issue.message.startsWith('expected') || issue.message.includes(', got ');
  return [{ at: node.at, path: node.path, sentence: told ? issue.message : `${issue.message}, got ${shown(node)}` }];
}

/** One problem for each thing that zod found, located in the file. */
export const problemsOf = (root: Node, issues: readonly Issue[]): Problem[] =>
  issues.flatMap((issue) => ofIssue(root, issue));
