import { z } from 'zod';
import { duration } from '../units.ts';

export const incidentsSchema = z
  .strictObject({
    retention: duration()
      .default(90 * 86_400_000)
      .describe(
        'How long resolved incidents are kept. Events are kept 7 days, and of each type and component the newest 10,000.',
      ),
    reopen_within: duration()
      .default(600_000)
      .describe('A fault that comes back so soon is a new incident that names the one before.'),
  })
  .describe('The records of what went wrong and of each recovery.');
export type IncidentPolicy = z.output<typeof incidentsSchema>;
