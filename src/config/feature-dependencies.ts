import { NETWORK } from '../degradation/schema.ts';
import { cyclesIn } from './cycles.ts';
import { didYouMean } from './nearest.ts';
import { child, entriesOf, textsOf, type Node, type Problem } from './tree.ts';

/** What a feature depends on must be there: a feature, a component, or the network. */
export function featureDependencies(degradation: Node | undefined, components: readonly [string, Node][]): Problem[] {
  const features = entriesOf(child(degradation, 'features'));
  const ofComponents = components.flatMap(([, component]) => textsOf(child(component, 'features')));
  const names = new Set(components.map(([name]) => name));
  const known = new Set([
    ...features.map(([name]) => name),
    ...ofComponents.map(({ text }) => text),
    ...names,
    NETWORK,
  ]);
  const edges = new Map(features.map(([name, feature]) => [name, textsOf(child(feature, 'depends_on'))]));
  const dangling = [...edges].flatMap(([name, own]) =>
    own.flatMap(({ text, node: { at, path } }): Problem[] => {
      if (!known.has(text))
        return [{ at, path, sentence: `no feature or component is named "${text}"${didYouMean(text, known)}` }];
      // Its name may be that of a component too: then that is meant.
      return text === name && !names.has(text) ? [{ at, path, sentence: `"${text}" cannot depend on itself` }] : [];
    }),
  );
  return [...dangling, ...cyclesIn(edges)];
}
