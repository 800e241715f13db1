import { sha256 } from '../digest.ts';
import { readStat } from '../drivers/index.ts';
import type { ComponentConfig } from '../config/index.ts';
import type { ComponentName, HealthStatus } from '../model/index.ts';
import { readWords, receiveDatagrams, type Receiver } from '../service/index.ts';
import type { Keeper } from './keeper.ts';
import type { Life } from './life.ts';

/*
 * Programs that know systemd and not us: READY=1 and WATCHDOG=1 are heartbeats. Who speaks is known from the kernel,
 * which tells the pid, and from whose child that is; no token is needed.
 */

/** A process further down than this has hidden well. */
const MOST_ANCESTORS = 32;

export interface Notify {
  /**
   * The value of NOTIFY_SOCKET for its component, the same after each start of the daemon; opened at the first call.
   * Null where it cannot be had, which is told once.
   */
  address(): string | null;
  close(): void;
}

type Speaker = Pick<Keeper, 'name' | 'life'>;

interface Owner {
  readonly component: ComponentName;
  readonly life: Life;
}

export interface NotifyDeps {
  /** The state folder: each has an address of its own. */
  readonly root: string;
  readonly keepers: Iterable<Speaker>;
  readonly beat: (component: ComponentName, beat: { status: HealthStatus; message: string }) => void;
  readonly onError: (error: unknown) => void;
}

export function createNotify({ root, keepers, beat, onError }: NotifyDeps): Notify {
  const address = `@paramedic/${sha256(root).slice(0, 16)}`;
  /** What each life has said last; the next one has said nothing yet. */
  const statuses = new WeakMap<Life, string>();
  let receiver: Receiver | null | undefined;

  function hear(pid: number, text: string): void {
    const owner = ownerOf(pid, keepers);
    if (!owner) return;
    const { component, life } = owner;
    const { alive, stopping, trigger, status } = readWords(text);
    if (status !== null) statuses.set(life, status);
    const message = statuses.get(life) ?? '';
    if (trigger) beat(component, { status: 'critical', message: message || 'it asks to be ended (WATCHDOG=trigger)' });
    else if (stopping) beat(component, { status: 'degraded', message: message || 'it stops by itself' });
    else if (alive) beat(component, { status: 'healthy', message });
  }

  return {
    address() {
      if (receiver !== undefined) return receiver && address;
      receiver = null;
      try {
        receiver = receiveDatagrams(address, (pid, text) => {
          try {
            hear(pid, text);
          } catch (error) {
            onError(error);
          }
        });
        if (!receiver) onError(new Error('koffi is not here: components are not heard by sd_notify, only over HTTP'));
      } catch (error) {
        onError(error);
      }
      return receiver && address;
    },
    close: () => receiver?.close(),
  };
}

/** Whose process, or whose descendant, this is. */
function ownerOf(pid: number, keepers: Iterable<Speaker>): Owner | undefined {
  const owners = new Map<number, Owner>();
  for (const { name, life } of keepers)
    if (life?.running?.process) owners.set(life.running.process.pid, { component: name, life });
  let at: number | undefined = pid;
  for (let i = 0; i < MOST_ANCESTORS && at !== undefined && at > 1; i++) {
    const owner = owners.get(at);
    if (owner) return owner;
    at = readStat(at)?.parent;
  }
  return undefined;
}

/** Its heartbeats are waited for: how long at most, ms; null: they are not. */
export function heartbeatWithin({ checks }: ComponentConfig): number | null {
  const limits = Object.values(checks).flatMap(({ kind, enabled, options }) =>
    enabled && kind === 'heartbeat' ? [(options as { timeout: number }).timeout] : [],
  );
  return limits.length === 0 ? null : Math.min(...limits);
}
