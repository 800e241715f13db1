import { z } from 'zod';
import { hidePath, secretPaths } from '../secret-paths.ts';
import { parseDuration, parseRatio, parseSize, writeUnit, type Unit } from '../units.ts';
import { maskArguments, maskScalar } from './secrets.ts';
import { shapeOf, type Shape } from './shape.ts';
import { child, emptyMap, entriesOf, type Node } from './tree.ts';

const read = { duration: parseDuration, size: parseSize, ratio: parseRatio } as const satisfies Record<Unit, unknown>;

function written(node: Node, unit: Unit | undefined, key: string): unknown {
  if (node.is === 'list') return maskArguments(node.items.map((item) => written(item, unit, key)));
  if (node.is === 'map')
    return Object.fromEntries([...node.entries].map(([name, item]) => [name, written(item, unit, name)]));
  const value = maskScalar(node, key);
  const number =
    unit && value === node.value && value !== null && typeof value !== 'boolean' ? read[unit](value) : undefined;
  return unit && number !== undefined ? writeUnit(unit, number) : value;
}

/**
 * The configuration in the words of a file: every default filled in, durations as `5s`, secrets as `***`.
 * @param node valid by `schema`; undefined: not given.
 */
export function effective(schema: z.ZodType, node: Node | undefined): unknown {
  return told(schema, node, '', new Map());
}

/** @param shapes what was found out already: the schema of a hundred components is one. */
function told(schema: z.ZodType, node: Node | undefined, key: string, shapes: Map<z.ZodType, Shape>): unknown {
  const shape = shapes.get(schema) ?? shapeOf(schema);
  shapes.set(schema, shape);
  const { core, unit, preset } = shape;
  const absent = node === undefined;
  if (absent && (preset === undefined || typeof preset !== 'object')) return preset;
  if (core instanceof z.ZodObject) {
    const pairs = Object.entries(core.shape).map(([name, inner]) => [
      name,
      told(inner as z.ZodType, child(node ?? emptyMap, name), name, shapes),
    ]);
    return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
  }
  if (absent) return preset;
  if (core instanceof z.ZodRecord && node.is === 'map')
    return Object.fromEntries(
      entriesOf(node).map(([name, inner]) => [name, told(core.valueType as z.ZodType, inner, name, shapes)]),
    );
  if (core instanceof z.ZodArray && node.is === 'list')
    return maskArguments(node.items.map((item) => told(core.element as z.ZodType, item, key, shapes)));
  const value = written(node, unit, key);
  return secretPaths.has(core) && typeof value === 'string' ? hidePath(value) : value;
}
