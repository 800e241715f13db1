import type { Clock } from '../clock.ts';
import { openChannel } from './channel.ts';
import { createNotifier, type Notifier } from './notifier.ts';

/** What a service manager says in the environment of what it starts. */
export interface ManagerWords {
  readonly address: string;
  readonly watchdogMs: number | null;
}

/** @returns null: nobody wants to hear of us. A watchdog that is meant for another process is none. */
export function readManagerWords(env: NodeJS.ProcessEnv, pid: number): ManagerWords | null {
  const { NOTIFY_SOCKET: address, WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = env;
  if (!address) return null;
  const ours = watched === undefined || watched === String(pid);
  const watchdogMs = Number(usec) / 1_000;
  return { address, watchdogMs: ours && watchdogMs > 0 ? watchdogMs : null };
}

/**
 * The notifier for whoever has started this process, by its environment; the variables are taken out of it, so that
 * no child takes itself for the service. null: nobody wants to hear of us, or there is no way, which `onError` is told.
 */
export function openNotifier(clock: Clock, onError: (error: unknown) => void): Notifier | null {
  const words = readManagerWords(process.env, process.pid);
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
  if (!words) return null;
  try {
    const channel = openChannel(words.address, process.env['PATH']);
    return createNotifier({ clock, channel, watchdogMs: words.watchdogMs, onError });
  } catch (error) {
    onError(error);
    return null;
  }
}
