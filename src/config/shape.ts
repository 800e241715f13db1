import { z } from 'zod';
import { units, writeUnit, type Unit } from '../units.ts';

/** What a schema asks for, with the wrappers round it (defaults, descriptions, transforms) taken off. */
export interface Shape {
  readonly core: z.ZodType;
  readonly unit: Unit | undefined;
  /** Written when the key is absent: as it would be in a file, `5s` and not 5000. */
  readonly preset: unknown;
  readonly optional: boolean;
  readonly description: string;
}

const unitOf = (schema: z.ZodType): Unit | undefined => units.get(schema)?.unit;

/** The unit of a schema or of one of the choices of a union. */
function unitWithin(schema: z.ZodType): Unit | undefined {
  if (schema instanceof z.ZodUnion)
    return schema.options.map((option) => shapeOf(option as z.ZodType).unit).find((unit) => unit !== undefined);
  return unitOf(schema);
}

export function shapeOf(schema: z.ZodType): Shape {
  const own = { core: schema, unit: unitOf(schema), preset: undefined, optional: false };
  const description = schema.description ?? '';
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional) {
    const inner = shapeOf(schema.unwrap() as z.ZodType);
    const preset = schema instanceof z.ZodOptional ? inner.preset : schema.def.defaultValue;
    const unit = inner.unit ?? unitWithin(inner.core);
    return {
      ...inner,
      preset: schema instanceof z.ZodDefault && unit && typeof preset === 'number' ? writeUnit(unit, preset) : preset,
      optional: true,
      description: description || inner.description,
    };
  }
  if (own.unit === undefined && schema instanceof z.ZodPipe) {
    const inner = shapeOf(schema.in as z.ZodType);
    return { ...inner, description: description || inner.description };
  }
  return { ...own, description };
}

/** `a whole number from 0 to 10`. */
function numberWords(schema: z.ZodNumber): string {
  const defs = (schema.def.checks ?? []).map(
    ({ _zod: { def } }) => def as { check: string; value?: number; inclusive?: boolean },
  );
  const limit = (check: string) => defs.findLast((def) => def.check === check && Number.isSafeInteger(def.value));
  const [least, most] = [limit('greater_than'), limit('less_than')];
  const noun = defs.some(({ check }) => check === 'number_format') ? 'a whole number' : 'a number';
  if (least?.inclusive && most?.inclusive) return `${noun} from ${least.value} to ${most.value}`;
  if (least) return `${noun} ${least.inclusive ? '≥' : '>'} ${least.value}`;
  return most ? `${noun} ${most.inclusive ? '≤' : '<'} ${most.value}` : noun;
}

const unitWords = {
  duration: 'a duration such as 250ms, 5s, 10m, 1h, 7d or a number of seconds',
  size: 'a size such as 64KiB, 1GiB or a number of bytes',
  ratio: 'a ratio such as 0.95 or 95%',
} as const satisfies Record<Unit, string>;

/** `a, b or c`. */
export const either = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;

/** What a person would have to write: `a whole number ≥ 0`, `one of critical, high, medium, low`. */
export function wordsFor(schema: z.ZodType): string {
  const { core, unit } = shapeOf(schema);
  if (unit) return unitWords[unit];
  if (core instanceof z.ZodNumber) return numberWords(core);
  if (core instanceof z.ZodString) return 'text';
  if (core instanceof z.ZodBoolean) return 'true or false';
  if (core instanceof z.ZodEnum) return `one of ${core.options.join(', ')}`;
  if (core instanceof z.ZodLiteral) return either([...core.values].map(String));
  if (core instanceof z.ZodUnion) return either(core.options.map((option) => wordsFor(option as z.ZodType)));
  if (core instanceof z.ZodArray || core instanceof z.ZodTuple) return 'a list';
  if (core instanceof z.ZodObject || core instanceof z.ZodRecord) return 'settings (key: value)';
  return 'something else';
}
