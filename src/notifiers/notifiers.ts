import { hostname } from 'node:os';
import type { Clock } from '../clock.ts';
import { sha256 } from '../digest.ts';
import type { Emit, TelemetrySink } from '../model/index.ts';
import { Courier, type Target } from './courier.ts';
import type { Letter } from './letter.ts';
import { toNotification, type Notification } from './notification.ts';
import { isWanted, type Knowledge, type Tellable } from './occasion.ts';
import { Outbox, type Shelf } from './outbox.ts';
import type { NotificationPolicy, Occasion } from './schema.ts';
import { emailTarget, webhookTarget } from './targets.ts';

export interface NotifiersDeps {
  readonly clock: Clock;
  readonly emit: Emit;
  readonly shelf: Shelf;
  readonly knowledge: Knowledge;
  readonly policy: NotificationPolicy;
  /** Where a target begins that was never told anything. */
  readonly from: number;
  /** A crash report, once it is written; undefined: there is none. Never waits for a restart. */
  readonly report: (crash: string) => Promise<unknown>;
  readonly mask: (text: string) => string;
  /** Hears of a target that does not take what it is sent. */
  readonly onTrouble: (target: string, why: string) => void;
}

/** Tells the configured targets. */
export interface Notifiers {
  /** Something may be to be told. Returns at once. */
  wake(): void;
  /** Gives deliveries under way two seconds; what is left waits for the next daemon. */
  close(): Promise<void>;
}

const CLOSE_MS = 2_000;

export function createNotifiers(deps: NotifiersDeps): Notifiers {
  const { clock, policy } = deps;

  async function compose(letter: Letter): Promise<Notification> {
    const { event, fold } = letter;
    const report = 'crash' in event && !fold ? await deps.report(event.crash) : null;
    return toNotification(letter, { host: hostname(), mask: deps.mask, report: report ?? null });
  }

  function open(sink: TelemetrySink, address: string, on: readonly Occasion[], target: Target): Courier {
    const { emit, shelf, from, knowledge } = deps;
    const name = `${sink}/${sha256(address).slice(0, 16)}`;
    const wanted = (event: Tellable) => isWanted(event, on, knowledge);
    return new Courier({
      clock,
      outbox: new Outbox({ shelf, name, from, foldMs: policy.fold, wanted }),
      target,
      maxAgeMs: policy.max_age,
      onAccepted: () => emit({ type: 'telemetry.exported', at: clock.now(), sink, items: 1 }),
      onDropped(why) {
        const reason = why === 'too old' ? 'queue_full' : 'export_failed';
        emit({ type: 'telemetry.dropped', at: clock.now(), sink, reason, items: 1 });
      },
      onTrouble: (why) => deps.onTrouble(target.shown, why),
    });
  }

  const { webhooks, email } = policy;
  const couriers = [
    ...webhooks.map((one) => open('webhook', one.url, one.on, webhookTarget(one, compose, clock))),
    ...(email ? [open('email', email.smtp, email.on, emailTarget(email, compose))] : []),
  ];
  return {
    wake: () => couriers.forEach((courier) => courier.wake()),
    async close() {
      await Promise.all(couriers.map((courier) => courier.close(CLOSE_MS)));
    },
  };
}
