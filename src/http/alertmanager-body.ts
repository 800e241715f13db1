import { z } from 'zod';
import { failure } from '../errors.ts';
import { oneLine } from '../format.ts';
import { epochMs } from '../model/index.ts';
import type { Alert } from '../remediation/index.ts';
import { parse } from './body.ts';

/** Newer versions add keys: what we do not know is left alone. */
const envelopeSchema = z.looseObject({
  version: z.string(),
  groupKey: z.string().max(10_000).default(''),
  truncatedAlerts: z.number().int().min(0).default(0),
  alerts: z.array(z.unknown()),
});

/** It stands in titles, logs and spans. */
const LONGEST_NAME = 200;

const text = z.record(z.string(), z.string());

const alertSchema = z
  .looseObject({
    status: z.enum(['firing', 'resolved']),
    labels: text,
    annotations: text.default({}),
    // The end of a firing alert is the year 1, and says nothing; its beginning tells it from the next one.
    startsAt: z.iso.datetime({ offset: true }),
    fingerprint: z.string().regex(/^[0-9a-f]{1,64}$/),
  })
  .transform(({ status, labels, annotations, startsAt, fingerprint }): Alert => ({
    name: oneLine(labels['alertname'] ?? '', LONGEST_NAME),
    status,
    labels,
    annotations,
    startsAt: epochMs(Date.parse(startsAt)),
    fingerprint,
  }));

export interface AlertmanagerBody {
  readonly groupKey: string;
  readonly truncated: number;
  /** null: one that could not be read among others that could. */
  readonly alerts: readonly (Alert | null)[];
}

/**
 * Reads the body of Alertmanager's webhook. One bad alert does not hold up the others of its group.
 * @throws WEBHOOK_VERSION; BODY_INVALID when the envelope, or every alert in it, cannot be read.
 */
export function readAlertmanagerBody(value: unknown): AlertmanagerBody {
  const { version, groupKey, truncatedAlerts: truncated, alerts: given } = parse(envelopeSchema, value);
  if (version !== '4') throw failure('WEBHOOK_VERSION', { got: version });
  const alerts = given.map((alert) => alertSchema.safeParse(alert).data ?? null);
  if (alerts.length > 0 && alerts.every((alert) => alert === null))
    parse(z.object({ alerts: z.array(alertSchema) }), { alerts: given });
  return { groupKey, truncated, alerts };
}
