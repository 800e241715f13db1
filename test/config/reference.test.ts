import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generate } from '../../docs/generate.ts';
import { jsonSchema } from '../../src/config/index.ts';

describe('the generated pages', () => {
  it('are committed as generated (else: npm run docs)', async () => {
    for (const { file, text } of await generate()) expect(readFileSync(file, 'utf8'), relative('.', file)).toBe(text);
  });
});

describe('the JSON Schema', () => {
  const schema = jsonSchema();
  const component = schema.properties?.['components'] as {
    additionalProperties: Record<string, Record<string, unknown>>;
  };

  it('describes what is written: durations are text with a unit or numbers, their defaults too', () => {
    expect(component.additionalProperties['properties']?.['stop']).toMatchObject({
      properties: { timeout: { default: '10s', anyOf: [{ type: 'string' }, { type: 'number' }] } },
    });
  });

  it('requires one way to run of components and nothing of defaults', () => {
    expect(component.additionalProperties['oneOf']).toEqual(
      expect.arrayContaining([{ required: ['command'] }, { required: ['commands'] }]),
    );
    expect(schema.properties?.['defaults']).not.toHaveProperty('oneOf');
    expect(schema.properties?.['defaults']).not.toHaveProperty('required');
    expect(schema.properties?.['defaults']).toHaveProperty('properties.restart');
  });
});
