import { z } from 'zod';
import { priorities } from '../model/index.ts';
import { duration, ratio, writeUnit } from '../units.ts';

/** What a feature may depend on beside features and components. */
export const NETWORK = 'network';
/** All that is off travels to each component with each change. */
const MOST_FALLBACK_CHARACTERS = 4_096;
const SHORTEST_INTERVAL_MS = 1_000;

export const featureNameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}$/, {
    error: () => 'expected a name of letters, digits, _ and - (at most 64)',
  })
  .refine((name) => name !== NETWORK, { error: () => 'this name is reserved' });

const commandSchema = z.strictObject({
  command: z
    .array(z.string().min(1), { error: () => 'expected a list: the program and its arguments' })
    .min(1, { error: () => 'expected a program to run' })
    .describe('The program and its arguments; never through a shell, in the folder of the configuration file.'),
  timeout: duration()
    .refine((ms) => ms > 0, { error: () => 'expected a duration longer than 0' })
    .default(30_000)
    .describe('Then it is killed, with all that it has started.'),
});

const featureSchema = z.strictObject({
  priority: z
    .enum(priorities)
    .default('medium')
    .describe('What is given up first: low from reduced on, medium from minimal on, high from emergency on.'),
  depends_on: z
    .array(z.string())
    .default([])
    .describe('Features that must be on, components that must not be given up, or `network`.'),
  fallback: z
    .record(z.string(), z.unknown())
    .refine((fallback) => JSON.stringify(fallback).length <= MOST_FALLBACK_CHARACTERS, {
      error: () => `expected at most ${MOST_FALLBACK_CHARACTERS} characters`,
    })
    .default({})
    .describe(
      'What answers in its place: `message`, `value` or fields of your own, beside success, error and fallback.',
    ),
  on_disable: commandSchema
    .optional()
    .describe('Run when it has been switched off. A failure is told and holds up nobody.'),
  on_enable: commandSchema.optional().describe('Run when it has been switched on again.'),
});

const threshold = (preset: number) => ratio().default(preset);

const thresholdsSchema = z
  .strictObject({
    cpu_warning: threshold(0.7).describe('CPU of the host from which on the level is minimal.'),
    cpu_critical: threshold(0.9).describe('… and emergency.'),
    memory_warning: threshold(0.8).describe('Memory of the host from which on the level is minimal.'),
    memory_critical: threshold(0.95).describe('… and emergency.'),
    error_rate_warning: threshold(0.1).describe(
      'Share of failed calls among those that components told of in the last minute from which on the level is minimal.',
    ),
    error_rate_critical: threshold(0.3).describe('… and emergency.'),
    error_rate_minimum_calls: z.number().int().min(1).default(10).describe('Fewer calls in that minute tell nothing.'),
    reduced_factor: threshold(0.85)
      .refine((share) => share <= 1, { error: () => 'expected at most 1' })
      .describe('From so much of a warning on the level is reduced.'),
  })
  .superRefine((given, context) => {
    for (const what of ['cpu', 'memory', 'error_rate'] as const) {
      const [warning, critical] = [given[`${what}_warning`], given[`${what}_critical`]];
      if (warning <= critical) continue;
      const [least, most] = [writeUnit('ratio', warning), writeUnit('ratio', critical)];
      const message = `expected ${what}_warning (${least}) at most ${what}_critical (${most})`;
      context.addIssue({ code: 'custom', message });
    }
  })
  .describe('When less is done. Worse is believed when two readings in a row say so.');

export const degradationSchema = z
  .strictObject({
    features: z.record(featureNameSchema, featureSchema).default({}).describe('What can be given up, one by one.'),
    thresholds: thresholdsSchema.prefault({}),
    interval: duration()
      .refine((ms) => ms >= SHORTEST_INTERVAL_MS, { error: () => 'expected at least 1s' })
      .default(30_000)
      .describe('Time between two readings, in whole seconds.'),
    recover_after: duration()
      .default(60_000)
      .describe('All readings must have been better for so long before the level rises.'),
  })
  .describe('Less, not gone: what is given up first, and when. With it the level follows the machine by itself.');

/** Durations in ms, thresholds as ratios. */
export type DegradationPolicy = z.output<typeof degradationSchema>;
export type FeaturePolicy = DegradationPolicy['features'][string];
export type Thresholds = DegradationPolicy['thresholds'];
