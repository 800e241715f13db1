import { z } from 'zod';
import { breakerSchema } from '../breakers/schema.ts';
import { stateEncryptionSchema, stateSchema } from '../checkpoints/schema.ts';
import { crashesSchema } from '../crashes/schema.ts';
import { degradationSchema, featureNameSchema } from '../degradation/schema.ts';
import { engineSchema, processSchema } from '../drivers/schema.ts';
import { checksSchema, intervalsSchema, startSchema } from '../health/schema.ts';
import { listenSchema } from '../http/schema.ts';
import { incidentsSchema } from '../incidents/schema.ts';
import { priorities } from '../model/index.ts';
import { notificationsSchema } from '../notifiers/schema.ts';
import { hostRestartSchema, maintenanceWindowsSchema, restartPolicySchema } from '../restart/policy.ts';
import { remediationSchema } from '../remediation/schema.ts';
import { telemetrySchema } from '../telemetry/schema.ts';

const componentNameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/, {
    error: () => 'expected a name of letters, digits, _ and - (at most 64)',
  })
  .refine((name) => name !== 'host' && name !== 'all', { error: () => 'this name is reserved' });

export const componentSchema = z.strictObject({
  ...processSchema,
  ...engineSchema,
  enabled: z.boolean().default(true).describe('Meant to run.'),
  priority: z
    .enum(priorities)
    .default('medium')
    .describe(
      'Who is healed first: critical at once, high next, medium when no other recovery runs, low in maintenance windows.',
    ),
  minimal_recovery: z
    .boolean()
    .optional()
    .describe('Part of recovery mode `minimal`; default: whether its priority is critical.'),
  depends_on: z.array(z.string()).default([]).describe('Components that must be verified healthy before it starts.'),
  start: startSchema.prefault({}),
  restart: restartPolicySchema.prefault({}),
  checks: checksSchema.describe('Questions about its health, each NAME: { KIND: options, … }.'),
  state: stateSchema.prefault({}),
  features: z
    .array(featureNameSchema)
    .default([])
    .describe('Features that it provides: they are off while it is given up, stopped by a person or disabled.'),
});

export const configSchema = z
  .strictObject({
    state_dir: z
      .string()
      .min(1)
      .default('./.paramedic')
      .describe('Folder for databases, logs, crash reports and tokens; created with mode 0700.'),
    state_encryption: stateEncryptionSchema,
    listen: listenSchema.prefault('127.0.0.1:9477'),
    insecure_http: z.boolean().default(false).describe('Listen beyond loopback without TLS: the network is trusted.'),
    intervals: intervalsSchema.prefault({}),
    restart: hostRestartSchema.prefault({}),
    maintenance_windows: maintenanceWindowsSchema,
    defaults: z.record(z.string(), z.unknown()).default({}).describe('Merged under every component.'),
    host: z
      .strictObject({ checks: checksSchema.describe("The machine's own checks.") })
      .prefault({})
      .describe('The machine itself; metric label component="host".'),
    components: z.record(componentNameSchema, componentSchema).default({}).describe('What is supervised.'),
    crashes: crashesSchema.prefault({}),
    incidents: incidentsSchema.prefault({}),
    remediation: remediationSchema.prefault({}),
    breakers: z
      .record(componentNameSchema, breakerSchema)
      .default({})
      .describe('What components lean on: one breaker per dependency, shared by all of them.'),
    degradation: degradationSchema.optional(),
    notifications: notificationsSchema.prefault({}),
    telemetry: telemetrySchema.prefault({}),
  })
  .describe('paramedic.yaml');

/** One component as configured: nothing is optional below this, durations are milliseconds. */
export type ComponentConfig = z.output<typeof componentSchema>;
/** The whole configuration, with `state_dir` and every `cwd` absolute. */
export type Config = z.output<typeof configSchema>;
