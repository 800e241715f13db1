import { z } from 'zod';
import { waysToRun } from '../drivers/schema.ts';
import { units, type Unit } from '../units.ts';
import { configSchema } from './schema.ts';
import { shapeOf } from './shape.ts';

type JsonSchema = z.core.JSONSchema.BaseSchema;

const NUMBER = String.raw`\d+(\.\d+)?`;
/** Text of each unit; a `${…}` anywhere inside may become anything. */
const patterns: Readonly<Record<Unit, string>> = {
  duration: String.raw`^${NUMBER}(ms|s|m|h|d)?$|\$\{`,
  size: String.raw`^${NUMBER}([KMGT]i?B|B)?$|\$\{`,
  ratio: String.raw`^${NUMBER}%?$|\$\{`,
};

function adapt({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: JsonSchema }): void {
  const schema = zodSchema as unknown as z.ZodType;
  const unit = units.get(schema)?.unit;
  if (unit) {
    for (const key of ['type', 'anyOf'] as const) delete jsonSchema[key];
    jsonSchema.anyOf = [
      { type: 'string', pattern: patterns[unit] },
      { type: 'number', minimum: 0 },
    ];
  }
  if (schema instanceof z.ZodDefault) {
    const { preset } = shapeOf(schema);
    jsonSchema.default = JSON.parse(JSON.stringify(preset)) as z.core.JSONSchema.JSONSchema['default'];
  }
  for (const bound of ['minimum', 'maximum'] as const)
    if (Math.abs(Number(jsonSchema[bound])) === Number.MAX_SAFE_INTEGER) delete jsonSchema[bound];
}

/** The JSON Schema (draft 2020-12) of what may be written in a file: for editors. */
export function jsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any', override: adapt });
  const { components } = schema.properties ?? {};
  const component = typeof components === 'object' ? components.additionalProperties : undefined;
  // Under `defaults` stands the same as in a component, and nothing of it has to.
  const { required: _, ...partial } = typeof component === 'object' ? component : {};
  if (typeof component === 'object') component.oneOf = waysToRun.map((way) => ({ required: [way] }));
  return {
    ...schema,
    title: 'paramedic.yaml',
    properties: {
      $schema: { type: 'string', description: 'The address of this schema, for editors.' },
      ...schema.properties,
      defaults: { ...partial, description: 'Merged under every component.' },
    },
  };
}
