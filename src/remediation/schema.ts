import { z } from 'zod';
import { fitsTogether, holdTime, levelOrAuto, TIME_WITH_AUTO } from '../level-wish.ts';
import { checkpointKinds } from '../model/index.ts';
import { templateProblem } from '../template.ts';
import { duration } from '../units.ts';

const template = () =>
  z
    .string()
    .min(1)
    .superRefine((text, context) => {
      const problem = templateProblem(text);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    });

const target = {
  component: template().describe('A component, or a template such as `{{ labels.component }}`.'),
};

/** What a rule may ask for: actions of the registry, and no others. */
const actionSchema = z
  .strictObject({
    restart: z
      .strictObject({
        ...target,
        force: z.boolean().default(false).describe("Pass a used-up restart budget; never this rule's own limits."),
      })
      .optional()
      .describe('Stop it gracefully and start it again.'),
    start: z.strictObject(target).optional().describe('Start it when it is down.'),
    stop: z.strictObject(target).optional().describe('Stop it; it stays down until somebody starts it.'),
    checkpoint: z
      .strictObject({
        ...target,
        kind: z
          .enum(checkpointKinds)
          .optional()
          .describe(
            'full: whole, not as what has changed; disk: as a file too; memory: in the memory of the daemon only, lost when it dies. As it costs least unless given.',
          ),
      })
      .optional()
      .describe('Have it save its state now.'),
    degrade: z
      .strictObject({
        level: levelOrAuto().describe('Never better than it is without; auto ends what an alert has asked for.'),
        for: holdTime().optional().describe('How long it is held, whatever becomes of the alert; default: 15m.'),
      })
      .refine(fitsTogether, TIME_WITH_AUTO)
      .optional()
      .describe('Hold the level of degradation of this machine; a person stands above.'),
  })
  .refine((action) => Object.values(action).filter((one) => one !== undefined).length === 1, {
    error: () => 'expected exactly one of restart, start, stop, checkpoint, degrade',
  });

const ruleSchema = z.strictObject({
  match: z
    .record(z.string().min(1), z.union([z.string(), z.array(z.string()).min(1)]))
    .refine((labels) => Object.keys(labels).length > 0, { error: () => 'expected at least one label' })
    .describe('Labels that the alert must have, each with one value or a list of values.'),
  action: actionSchema.describe('What is done: exactly one of these.'),
  cooldown: duration().default(300_000).describe('Least time between two of its actions on the same component.'),
  max_per_hour: z
    .number()
    .int()
    .min(0)
    .default(3)
    .describe('Most of its actions on the same component within an hour.'),
  dry_run: z.boolean().default(false).describe('Decide and record, but do nothing.'),
});

export const remediationSchema = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false: alerts are read and recorded, and nothing is done.'),
    rules: z
      .array(ruleSchema)
      .default([])
      .describe('Which alert asks for which action; the first that matches counts.'),
  })
  .describe('What alerts may ask for. A label of an alert only asks, these rules decide.');

export type RemediationPolicy = z.output<typeof remediationSchema>;
export type RemediationRule = RemediationPolicy['rules'][number];
