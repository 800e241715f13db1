import { describe, expect, it } from 'vitest';
import { createOtlpSink } from '../../src/telemetry/otel.ts';
import { draw } from '../../src/telemetry/spans/span.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

const place = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
const other = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) };
const at = Date.UTC(2026, 10, 23, 12);
const span = draw(place, {
  name: 'paramedic.recovery',
  parentId: 'e'.repeat(16),
  from: at,
  to: at + 1_234.5,
  errorType: 'SIGKILL',
  attributes: { text: 'x', whole: 3, broken: 0.25, yes: true, no: null },
  events: [{ name: 'component.crashed', atMs: at + 1, attributes: {} }],
  links: [other],
});
const root = draw(other, { name: 'POST /webhooks/alertmanager', kind: 'server', parentId: null, from: at, to: at });

const sinkOf = (endpoint: string, timeoutMs = 300) =>
  createOtlpSink({
    endpoint,
    headers: { 'x-key': 'k' },
    timeoutMs,
    resource: { 'service.name': 'paramedic' },
    version: '1.2.3',
  });

describe('the exporter', () => {
  it('sends spans as they are', async () => {
    const receiver = await OtlpReceiver.open();
    expect(await sinkOf(`${receiver.url}/`).send([span, root])).toEqual({ kind: 'accepted' });
    expect(receiver.headers[0]).toMatchObject({ 'x-key': 'k', 'content-type': 'application/x-protobuf' });
    expect(receiver.spans).toEqual([
      {
        ...place,
        parentId: 'e'.repeat(16),
        name: 'paramedic.recovery',
        kind: 1,
        startMs: at,
        endMs: at + 1_234.5,
        attributes: { text: 'x', whole: 3, broken: 0.25, yes: true, 'error.type': 'SIGKILL' },
        events: ['component.crashed'],
        links: [other],
        status: 2,
        resource: { 'service.name': 'paramedic' },
        scope: 'paramedic-core 1.2.3',
      },
      expect.objectContaining({ ...other, parentId: '', kind: 2, status: 0, attributes: {} }),
    ]);
  });

  it.each([
    { mood: 503, kind: 'away' },
    { mood: 429, kind: 'away' },
    { mood: 'hang' as const, kind: 'away' },
    { mood: 500, kind: 'away' },
    { mood: 400, kind: 'lost' },
    { mood: 401, kind: 'lost' },
  ])('tells a collector that answers $mood: $kind', async ({ mood, kind }) => {
    const receiver = await OtlpReceiver.open();
    receiver.mood = mood;
    expect(await sinkOf(receiver.url).send([span])).toMatchObject({ kind });
  });

  it('tells a collector that is not there', async () => {
    const receiver = await OtlpReceiver.open();
    receiver.close();
    expect(await sinkOf(receiver.url).send([span])).toMatchObject({ kind: 'away' });
  });
});
