import { z } from 'zod';
import { defineCheck, unknown } from '../check.ts';

const severities = { healthy: 0, degraded: 5, unhealthy: 8, critical: 10, unknown: 0 } as const;

export const engine = defineCheck({
  kind: 'engine',
  summary:
    'Healthy while the engine that runs it says so: the HEALTHCHECK of a container, the available pods of a deployment, the state of a unit.',
  options: z.strictObject({}),
  run(_options, { subject }) {
    const told = subject.engine();
    if (!told) return unknown('no engine tells how it is');
    return { ...told, severity: severities[told.status] };
  },
});
