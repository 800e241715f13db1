import { describe, expect, it } from 'vitest';
import { createIncidentBook } from '../../src/incidents/index.ts';
import {
  componentName,
  epochMs,
  HOST,
  type EventFields,
  type EventOf,
  type EventType,
  type Incident,
  type IncidentId,
  type RecoveryEvent,
} from '../../src/model/index.ts';
import { samples } from '../telemetry/events.ts';

const GMAIL = componentName('gmail');

/** A book with ids that count up. */
function bookOf(known: readonly Incident[] = []) {
  let n = 0;
  const book = createIncidentBook({
    newId: () => String(++n).padStart(32, '0') as IncidentId,
    reopenWithinMs: () => 600_000,
    known,
  });
  const read = (...events: RecoveryEvent[]) => book.read(events);
  /** The incident events among what was read, shortly. */
  const tell = (...events: RecoveryEvent[]) => read(...events).events.flatMap(shortly);
  return { book, read, tell };
}

const shortly = (event: RecoveryEvent): string[] => {
  if (event.type === 'incident.opened') return [`opened ${event.severity} ${event.category}`];
  if (event.type === 'incident.updated') return [`updated ${event.severity} ${event.repeats}`];
  if (event.type === 'incident.acknowledged') return [`acknowledged by ${event.by} after ${event.afterMs}`];
  if (event.type === 'incident.resolved') return [`resolved by ${event.by} after ${event.durationMs}`];
  return [];
};

const like = <T extends EventType>(type: T, change: Partial<EventFields[T]> = {}, at = 0): EventOf<T> =>
  ({ ...samples[type], ...change, at: epochMs(at) }) as EventOf<T>;
const recovered = (at: number) => like('recovery.finished', { outcome: 'recovered' }, at);

describe('an incident', () => {
  it.each<{ what: string; event: RecoveryEvent; is: string }>([
    { what: 'a crash', event: like('component.crashed'), is: 'opened critical crash' },
    {
      what: 'a check that is unhealthy',
      event: like('check.tripped', { outcome: 'unhealthy' }),
      is: 'opened high health',
    },
    {
      what: 'a check that is critical',
      event: like('check.tripped', { outcome: 'critical' }),
      is: 'opened critical health',
    },
    { what: 'a used-up budget', event: like('component.failed'), is: 'opened critical recovery' },
    { what: 'a start that fails', event: like('component.start_failed'), is: 'opened high error' },
    { what: 'a start that takes too long', event: like('component.start_timed_out'), is: 'opened high health' },
    { what: 'a breaker that opens', event: like('breaker.transitioned'), is: 'opened medium recovery' },
    {
      what: "a check of the machine's",
      event: { ...like('check.tripped'), component: HOST },
      is: 'opened high health',
    },
    {
      what: 'an alert that has something restarted',
      event: like('remediation.decided', { decision: 'execute' }),
      is: 'opened medium recovery',
    },
  ])('is opened by $what', ({ event, is }) => {
    expect(bookOf().tell(event)).toEqual([is]);
  });

  it.each([
    like('component.stopped'),
    like('check.changed'),
    like('component.ready'),
    like('component.health_changed'),
    like('recovery.finished'),
    like('breaker.transitioned', { to: 'forced_open', trigger: 'manual' }),
    like('breaker.transitioned', { to: 'closed' }),
    like('remediation.decided', { decision: 'execute', action: 'checkpoint' }),
    like('remediation.decided', { decision: 'cooldown' }),
    like('daemon.started'),
    like('config.rejected'),
  ])('is not opened by $type', (event) => {
    expect(bookOf().tell(event)).toEqual([]);
  });

  it('is acknowledged by the recovery that begins and resolved when that is verified', () => {
    const { tell, book } = bookOf();
    expect(tell(like('component.crashed', {}, 1_000), like('recovery.started', {}, 1_000))).toEqual([
      'opened critical crash',
      'acknowledged by recovery after 0',
    ]);
    expect(book.of(GMAIL)?.recovering).not.toBeNull();
    // Ready comes with the end of the recovery, which is what counts.
    expect(tell(like('component.ready', {}, 2_500), recovered(2_500))).toEqual(['resolved by recovery after 1500']);
    expect(book.open()).toEqual([]);
  });

  it('is told of by every event of its component while it is open, from the one that led to it', () => {
    const { read } = bookOf();
    const { events } = read(
      like('check.changed', {}, 5),
      like('check.tripped', {}, 5),
      like('restart.decided', {}, 5),
      like('recovery.started', {}, 5),
      like('daemon.ticked', {}, 5),
    );
    expect(events.map(({ type, incident }) => [type, incident?.at(-1)])).toEqual([
      ['check.changed', '1'],
      ['incident.opened', '1'],
      ['check.tripped', '1'],
      ['restart.decided', '1'],
      ['recovery.started', '1'],
      ['incident.acknowledged', '1'],
      ['daemon.ticked', undefined],
    ]);
    expect(read(recovered(9)).events.map(({ incident }) => incident?.at(-1))).toEqual(['1', '1']);
    expect(read(like('component.sampled')).events.map(({ incident }) => incident)).toEqual([undefined]);
  });

  it('is one per component, however often the fault comes again', () => {
    const { tell, book } = bookOf();
    tell(like('check.tripped', { outcome: 'unhealthy' }));
    expect(tell(like('component.crashed'))).toEqual(['updated critical 1']);
    expect(tell(like('component.crashed'))).toEqual(['updated critical 2']);
    expect(tell(like('component.failed'))).toEqual([]);
    expect(book.open()).toHaveLength(1);
  });

  it('is worse, but no repeat, when the hung process is found to be in a deadlock', () => {
    const { tell } = bookOf();
    tell(like('check.tripped', { outcome: 'unhealthy' }));
    expect(tell(like('component.crashed', { crashType: 'deadlock' }))).toEqual(['updated critical 0']);
  });

  it('begins with the first bad result of its check', () => {
    const { read, book } = bookOf();
    read(like('check.changed', { from: 'healthy', to: 'unhealthy' }, 1_000));
    read(like('check.changed', { from: 'unhealthy', to: 'timeout' }, 6_000));
    read(like('check.tripped', {}, 11_000));
    expect(book.of(GMAIL)).toMatchObject({ startedAt: 1_000, openedAt: 11_000 });
  });

  it.each([
    { reason: 'manual' as const, is: 'opened info recovery' },
    { reason: 'dependency' as const, is: 'opened low recovery' },
    { reason: 'alert' as const, is: 'opened medium recovery' },
  ])('records a recovery that no fault began: $reason', ({ reason, is }) => {
    expect(bookOf().tell(like('recovery.started', { reason }))[0]).toBe(is);
  });

  it('is no incident when the configuration calls the exit code a good end', () => {
    const stay = like('restart.decided', { decision: { kind: 'stay', rule: 'exit_codes', why: 'done' } });
    expect(bookOf().tell(like('component.crashed'), stay)).toEqual([]);
    const { tell } = bookOf();
    tell(like('component.crashed'), like('recovery.started'));
    expect(tell(like('component.crashed'), stay, like('recovery.finished', { outcome: 'aborted' }))).toEqual([
      'resolved by itself after 0',
    ]);
  });

  it('stays open when it is given up, until the component runs again', () => {
    const { tell } = bookOf();
    tell(like('component.crashed'), like('recovery.started'));
    tell(like('component.failed'), like('recovery.finished', { outcome: 'escalated' }));
    expect(tell(like('component.ready', {}, 60_000))).toEqual(['resolved by itself after 60000']);
  });

  it('ends by itself when the checks that failed pass again, but not while it is being recovered', () => {
    const healthy = (at: number) => like('component.health_changed', { from: 'unhealthy', to: 'healthy' }, at);
    const { tell } = bookOf();
    tell(like('check.tripped'));
    expect(tell(like('component.health_changed', { to: 'degraded' }, 3))).toEqual([]);
    expect(tell(healthy(4))).toEqual(['resolved by itself after 4']);
    tell(like('check.tripped'), like('recovery.started'));
    expect(tell(healthy(5))).toEqual([]);
    tell(recovered(6));
    tell(like('component.crashed'));
    expect(tell(healthy(7))).toEqual([]);
  });

  it('ends when a person stops the component, or removes it', () => {
    const stopped = bookOf();
    stopped.tell(like('component.crashed'));
    expect(stopped.tell(like('component.held', { by: 'person' }))).toEqual(['resolved by person after 0']);
    const recovering = bookOf();
    recovering.tell(like('component.crashed'), like('recovery.started'));
    expect(recovering.tell(like('component.held', { by: 'webhook' }))).toEqual(['resolved by itself after 0']);
    expect(recovering.tell(like('recovery.finished', { outcome: 'aborted' }))).toEqual([]);
    const removed = bookOf();
    removed.tell(like('component.crashed'));
    expect(removed.tell(like('component.removed'))).toEqual(['resolved by itself after 0']);
  });

  it('of an alert ends with its action when that needed no recovery, and stays open when it failed', () => {
    const asked = like('remediation.decided', { decision: 'execute' });
    const ended = (outcome: EventFields['remediation.finished']['outcome']) =>
      like('remediation.finished', { outcome });
    const done = bookOf();
    done.tell(asked);
    expect(done.tell(ended('success'))).toEqual(['resolved by itself after 0']);
    const failed = bookOf();
    failed.tell(asked);
    expect(failed.tell(ended('verify_failed'))).toEqual([]);
    const crashed = bookOf();
    crashed.tell(like('component.crashed'));
    expect(crashed.tell(asked, ended('success'))).toEqual([]);
  });

  it('of the host is not about the strangers that alerts name', () => {
    const { read } = bookOf();
    read({ ...like('check.tripped'), component: HOST });
    const { events } = read({ ...like('remediation.decided', { decision: 'denied' }), component: HOST });
    expect(events.map(({ incident }) => incident)).toEqual([undefined]);
  });

  it('of a breaker lives beside that of the component, and ends when the breaker closes', () => {
    const { tell, read, book } = bookOf();
    tell(like('component.crashed'));
    expect(tell(like('breaker.transitioned'))).toEqual(['opened medium recovery']);
    expect(book.open()).toHaveLength(2);
    expect(tell(like('breaker.transitioned', { from: 'open', to: 'half_open' }))).toEqual([]);
    expect(tell(like('breaker.transitioned', { from: 'half_open', to: 'open' }))).toEqual(['updated medium 1']);
    const { events } = read(like('breaker.transitioned', { from: 'half_open', to: 'closed' }, 9));
    expect(events.flatMap(shortly)).toEqual(['resolved by itself after 9']);
    expect(events.map(({ incident }) => incident?.at(-1))).toEqual(['2', '2']);
    expect(book.open().map(({ category }) => category)).toEqual(['crash']);
  });

  it('names the one before when the fault is back within ten minutes', () => {
    const { tell, book } = bookOf();
    tell(like('component.crashed'), like('recovery.started'));
    tell(recovered(1_000));
    tell(like('component.crashed', {}, 601_000), like('recovery.started', {}, 601_000));
    const [first, second] = ['1', '2'].map((n) => n.padStart(32, '0'));
    expect(book.of(GMAIL)).toMatchObject({ id: second, previous: first });
    tell(recovered(602_000));
    tell(like('component.crashed', {}, 1_300_000));
    expect(book.of(GMAIL)?.previous).toBeNull();
  });

  it('goes on in the next daemon where the one before has left it', () => {
    const before = bookOf();
    const open = before.read(like('component.crashed'), like('recovery.started')).changed.at(-1);
    const { tell, book } = bookOf([open!]);
    expect(book.of(GMAIL)).toEqual(open);
    expect(tell(like('component.crashed'))).toEqual(['updated critical 1']);
    expect(tell(recovered(4))).toEqual(['resolved by recovery after 4']);
  });
});
