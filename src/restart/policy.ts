import { z } from 'zod';
import { restartPolicies } from '../model/index.ts';
import { duration, ratio } from '../units.ts';

/** What an exit that nobody asked for means, by its code: `{ 0: restart, 78: fail }`. */
const exitCodesSchema = z
  .record(
    z.string().regex(/^\d{1,10}$/, { error: () => 'expected an exit code: a whole number' }),
    z.enum(['restart', 'fail', 'ignore']),
  )
  .default({})
  .describe('What an exit that nobody asked for means, by exit code; restart for all others.');

export const restartPolicySchema = z
  .strictObject({
    policy: z
      .enum(restartPolicies)
      .default('exponential_backoff')
      .describe('When and whether a component is started again.'),
    initial_delay: duration().default(5_000).describe('Delay of `delayed`, and the first of `exponential_backoff`.'),
    max_delay: duration().default(300_000).describe('Upper bound of any delay.'),
    backoff_multiplier: z.number().min(1).default(2).describe('Each further delay is this many times the one before.'),
    jitter: ratio().default(0.1).describe('Random share by which a delay is made longer or shorter.'),
    max_restarts: z
      .number()
      .int()
      .min(0)
      .default(5)
      .describe(
        'Automatic restarts started within restart_window; the next one is refused and the component has failed.',
      ),
    restart_window: duration()
      .default(300_000)
      .describe('Length of the sliding window; after this long in good health the backoff starts afresh.'),
    slow_loop_after: z
      .number()
      .int()
      .min(0)
      .default(5)
      .describe(
        'Crashes with the same signature within 24 h, those within one restart_window counted once: with this many it has failed, as with a used-up budget; 0: never.',
      ),
    require_healthy_state: z.boolean().default(true).describe('A restart counts as good only when verified healthy.'),
    on_dependency_restart: z
      .enum(['restart', 'ignore'])
      .default('restart')
      .describe('What to do when something it depends on was restarted.'),
    notify_on_restart: z.boolean().default(true).describe('Tell the notification targets of each restart.'),
    on_failed: z
      .enum(['stay', 'exit'])
      .default('stay')
      .describe('When it has failed for good: stay, or end the daemon too (for containers).'),
    exit_codes: exitCodesSchema,
  })
  .describe('What happens when it ends without being asked to.');
export type RestartPolicy = z.output<typeof restartPolicySchema>;

export const hostRestartSchema = z
  .strictObject({
    max_restarts_per_hour: z
      .number()
      .int()
      .min(0)
      .default(10)
      .describe(
        'Automatic restarts on this host within an hour; beyond it others wait, critical ones go on under their own budget.',
      ),
    system_restart: z
      .boolean()
      .default(true)
      .describe(
        'When a component of critical priority has used up its restarts: stop all and start again in recovery mode, once an hour at most.',
      ),
  })
  .describe('What is decided for the whole host.');
export type HostRestartPolicy = z.output<typeof hostRestartSchema>;

export const maintenanceWindowsSchema = z
  .array(
    z.strictObject({
      cron: z.string().min(1).describe('When it begins, as a cron expression in local time.'),
      duration: duration().describe('How long it lasts.'),
    }),
  )
  .default([])
  .describe('When components of low priority may be restarted; none: always.');
export type MaintenanceWindow = z.output<typeof maintenanceWindowsSchema>[number];
