import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { referencesIn } from './references.ts';
import { child, textsOf, type Node, type Problem } from './tree.ts';

const at = ({ at: offset, path }: Node, sentence: string): Problem => ({ at: offset, path, sentence });

/** Bits of a file's mode. */
const OTHERS_MAY_READ_OR_WRITE = 0o006;

/** A key that others can read keeps nothing from them: not in this file, in one of everybody's, or with a component. */
export function stateKeys(encryption: Node | undefined, components: [string, Node][], base: string): Problem[] {
  const key = child(encryption, 'key');
  const keys = [...(key ? [key] : []), ...textsOf(child(encryption, 'previous_keys')).map(({ node }) => node)];
  return keys.flatMap((node) => {
    if (node.is !== 'scalar' || typeof node.value !== 'string') return [];
    if (node.reference === null)
      return [at(node, 'a key does not belong in this file: write it as ${NAME} or ${file:/path}')];
    const { variables, files } = referencesIn(node.reference.written);
    return [...files.flatMap((file) => openToAll(node, file, base)), ...inheritedBy(components, variables)];
  });
}

function openToAll(node: Node, file: string, base: string): Problem[] {
  const mode = statSync(resolve(base, file), { throwIfNoEntry: false })?.mode ?? 0;
  if (process.platform === 'win32' || (mode & OTHERS_MAY_READ_OR_WRITE) === 0) return [];
  const sentence = `everybody on this machine may read or change ${file} (mode ${(mode & 0o777).toString(8)}): chmod 600 it`;
  return [at(node, sentence)];
}

const inheritedBy = (components: [string, Node][], variables: readonly string[]): Problem[] =>
  components.flatMap(([, component]) =>
    textsOf(child(component, 'env_inherit'))
      .filter(({ text }) => variables.includes(text))
      .map(({ text, node }) => at(node, `${text} holds a key of "state_encryption": no component may have it`)),
  );
