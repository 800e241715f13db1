import { isDeepStrictEqual } from 'node:util';
import type { IncidentSeverity, Listener } from '../model/index.ts';
import type { NotificationPolicy, Notifiers } from '../notifiers/index.ts';
import type { House } from './house.ts';
import { maskOf } from './mask.ts';

export interface Notifications {
  readonly hear: Listener;
  /** The configuration may have changed. */
  configure(): void;
  close(): Promise<void>;
}

/** Those whom a house tells of what happens. Nothing of it is loaded while nobody is configured. */
export function createNotifications(house: House, onError: (what: string, error: unknown) => void): Notifications {
  const { bus, clock, reports, store } = house;
  const mask = maskOf(() => house);
  let policy: NotificationPolicy | null = null;
  let notifiers: Notifiers | null = null;
  let changing: Promise<void> = Promise.resolve();
  let closed = false;

  /** A crash states that its report will be written before it is stated itself. */
  async function report(crash: string): Promise<unknown> {
    await new Promise((resolve) => setImmediate(resolve));
    await reports.idle();
    return reports.read(crash).catch(() => undefined);
  }

  async function open(next: NotificationPolicy, from: number): Promise<void> {
    await notifiers?.close();
    notifiers = null;
    if (closed || (next.webhooks.length === 0 && !next.email)) return;
    const { createNotifiers } = await import('../notifiers/index.ts');
    notifiers = createNotifiers({
      clock,
      emit: bus.emit,
      shelf: store,
      policy: next,
      from,
      report,
      mask,
      knowledge: {
        // Of the configuration: what an earlier daemon has left to tell may come before anybody is on the roster.
        tellsRestarts: (component) => house.loaded.config.components[component]?.restart.notify_on_restart ?? true,
        severityBefore: (event) =>
          store
            .timeline(event.incident)
            .reduce<IncidentSeverity | null>(
              (before, { event: earlier }) =>
                earlier.at < event.at && (earlier.type === 'incident.opened' || earlier.type === 'incident.updated')
                  ? earlier.severity
                  : before,
              null,
            ),
      },
      onTrouble: (target, why) => onError('notifications', new Error(`${target}: ${why}`)),
    });
  }

  function configure(): void {
    const next = house.loaded.config.notifications;
    if (isDeepStrictEqual(next, policy)) return;
    policy = next;
    const from = store.lastSeq();
    changing = changing.then(() => open(next, from)).catch((error: unknown) => onError('notifications', error));
  }

  configure();
  return {
    hear: () => notifiers?.wake(),
    configure,
    async close() {
      closed = true;
      await changing;
      await notifiers?.close();
    },
  };
}
