import { describe, expect, it } from 'vitest';
import { resourceOf } from '../../src/telemetry/resource.ts';

const facts = { version: '1.2.3', instance: '127.0.0.1:9477', hostName: 'box', pid: 7, nodeVersion: 'v24.0.0' };

describe('who sends the spans', () => {
  it('is named as Prometheus names it', () => {
    expect(resourceOf({ ...facts, env: {} })).toEqual({
      'service.name': 'paramedic',
      'service.namespace': 'paramedic',
      'service.version': '1.2.3',
      'service.instance.id': '127.0.0.1:9477',
      'host.name': 'box',
      'process.pid': 7,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': '24.0.0',
    });
  });

  it.each([
    { text: 'deployment.environment.name=production', adds: { 'deployment.environment.name': 'production' } },
    { text: ' a = 1 ,b=%20x%2C', adds: { a: '1', b: ' x,' } },
    { text: 'a=%zz,=x,,b', adds: { a: '%zz' } },
    { text: 'service.namespace=shop', adds: { 'service.namespace': 'shop' } },
  ])('is told more by OTEL_RESOURCE_ATTRIBUTES="$text"', ({ text, adds }) => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: text };
    expect(resourceOf({ ...facts, env })).toEqual({ ...resourceOf({ ...facts, env: {} }), ...adds });
  });

  it('may have another name', () => {
    expect(resourceOf({ ...facts, env: { OTEL_SERVICE_NAME: 'medic' } })).toMatchObject({ 'service.name': 'medic' });
  });
});
