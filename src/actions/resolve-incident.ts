import { z } from 'zod';
import { defineAction } from './action.ts';

export const resolveIncident = defineAction({
  kind: 'resolve_incident',
  summary: 'Says that an incident is over.',
  parameters: z.strictObject({
    incident: z.string().min(1),
    resolution: z.string().min(1).max(1_000).default('a person said that it is over'),
  }),
  run: ({ incident, resolution }, actor, by) => actor.resolveIncident(incident, resolution, by),
});
