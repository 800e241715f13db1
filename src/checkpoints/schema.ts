import { z } from 'zod';
import { duration } from '../units.ts';
import { parseKey } from './key.ts';

const HOW_LONG = 'it must be 32 bytes, as 64 hex digits or in base64 (`openssl rand -hex 32` makes one)';

export const stateSchema = z
  .strictObject({
    preserve: z
      .boolean()
      .default(true)
      .describe(
        'Give it back after a restart what it remembers; false: it begins with nothing, and what it saves is kept for people.',
      ),
    checkpoint_interval: duration()
      .default(60_000)
      .describe('How often the client is asked to checkpoint changed state.'),
    recovery_point_objective: duration()
      .default(5_000)
      .describe(
        'Changes of how long a crash may cost at most: an alert tells when more than that is in no checkpoint and not journalled.',
      ),
    schema_version: z
      .number()
      .int()
      .min(0)
      .default(1)
      .describe(
        'Version of the shape of a state that the component saves without saying its version; what it says itself counts more.',
      ),
    poisoned_after: z
      .number()
      .int()
      .min(0)
      .default(2)
      .describe(
        'Crashes with one signature, each within restart_window after restoring the same checkpoint: with this many the one before is used, with the journal since; 0: never.',
      ),
    retention: z
      .strictObject({
        max_age: duration().default(86_400_000).describe('Checkpoints older than this may go…'),
        keep: z.number().int().min(1).default(5).describe('…but never the newest this many that are valid…'),
        hourly: z
          .number()
          .int()
          .min(0)
          .default(0)
          .describe('…nor the newest valid one of each of the last this many hours (UTC) that have one…'),
        daily: z.number().int().min(0).default(0).describe('…nor that of each of the last this many days.'),
      })
      .prefault({}),
  })
  .describe('What it remembers.');
const keySchema = z.string().transform((text, context) => {
  const key = parseKey(text);
  if (key) return key;
  const message = `${text === '' ? 'the key is empty' : 'this is no key of AES-256'}: ${HOW_LONG}`;
  context.issues.push({ code: 'custom', input: text, message });
  return z.NEVER;
});

export const stateEncryptionSchema = z
  .strictObject({
    key: keySchema.describe(
      'Key of 32 bytes, as 64 hex digits or in base64; `openssl rand -hex 32` makes one. Written as `${NAME}` or `${file:…}`, never as it is.',
    ),
    previous_keys: z
      .array(keySchema)
      .default([])
      .describe('Keys that were exchanged: what they have encrypted is still read. Written like `key`.'),
  })
  .optional()
  .describe('Encrypts what components save, with AES-256-GCM. Without it all is plain text.');
export type StateEncryption = z.output<typeof stateEncryptionSchema>;

export type StatePolicy = z.output<typeof stateSchema>;
