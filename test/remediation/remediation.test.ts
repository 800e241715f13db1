import { describe, expect, it } from 'vitest';
import { failure } from '../../src/errors.ts';
import { componentName, epochMs, type EpochMs, type EventOf, type RecoveryEvent } from '../../src/model/index.ts';
import { createRemediation, type Alert, type Target } from '../../src/remediation/index.ts';
import { ruleIdOf } from '../../src/remediation/match.ts';
import { remediationSchema, type RemediationRule } from '../../src/remediation/schema.ts';
import { FakeClock } from '../support/fake-clock.ts';

const restartable: Target = {
  held: false,
  enabled: true,
  healthySince: null,
  busy: false,
  restart: { kind: 'restart', rule: 'immediate', delayMs: 0, attempt: 1 },
};

const rule = { match: { alertname: 'Down' }, action: { restart: { component: '{{ labels.component }}' } } };
const [theRule] = remediationSchema.parse({ rules: [rule] }).rules as [RemediationRule];

/** Remediation around a registry, a store and a roster that are the test's. */
function remediationOf(given: { policy?: object; past?: RecoveryEvent[]; clock?: FakeClock } = {}) {
  const clock = given.clock ?? new FakeClock();
  const events: RecoveryEvent[] = [];
  const acted: { action: string; parameters: unknown; end: (error?: unknown) => void }[] = [];
  const targets = new Map<string, Target>([['gmail', restartable]]);
  let full = false;
  let booting = false;
  const policy = remediationSchema.parse({ rules: [rule], ...given.policy });
  const remediation = createRemediation({
    clock,
    emit: (...stated) => void events.push(...stated),
    sync: () => {
      if (full) throw failure('STORE_FAILED', { store: 'events.db', why: 'disk full' });
    },
    policy: () => policy,
    target: (component) => targets.get(component),
    act: (action, parameters) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      acted.push({
        action,
        parameters,
        end: (error) => (error === undefined ? resolve('done') : reject(error as Error)),
      });
      return promise;
    },
    requireReady() {
      if (booting) throw failure('NOT_READY', undefined);
    },
    past: given.past ?? [],
  });
  const alert = (change: Partial<Alert> = {}): Alert => ({
    name: 'Down',
    fingerprint: 'ab',
    startsAt: clock.now(),
    status: 'firing',
    labels: { alertname: 'Down', component: 'gmail' },
    annotations: {},
    ...change,
  });
  const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const receive = (...alerts: (Alert | null)[]) =>
    remediation
      .receive({ receiver: 'alertmanager', trace, alerts })
      .map(({ disposition, decision }) => `${disposition} ${decision}`);
  const finished = () => events.filter((event) => event.type === 'remediation.finished');
  return {
    clock,
    events,
    acted,
    targets,
    remediation,
    receive,
    alert,
    finished,
    fill: (is: boolean) => (full = is),
    boot: (is: boolean) => (booting = is),
  };
}

/** Lets what was awaited go on. */
const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe('an alert that asks for an action', () => {
  it('asks for a checkpoint of the kind that its rule names', () => {
    const action = { checkpoint: { component: '{{ labels.component }}', kind: 'disk' } };
    const { receive, alert, acted } = remediationOf({ policy: { rules: [{ ...rule, action }] } });
    expect(receive(alert())).toEqual(['accepted execute']);
    expect(acted).toMatchObject([{ action: 'checkpoint', parameters: { component: 'gmail', kind: 'disk' } }]);
    const wrong = { rules: [{ ...rule, action: { checkpoint: { component: 'gmail', kind: 'incremental' } } }] };
    expect(remediationSchema.safeParse(wrong).error?.issues).toMatchObject([
      { path: ['rules', 0, 'action', 'checkpoint', 'kind'] },
    ]);
  });

  it('is decided, kept, carried out once, and its end is told', async () => {
    const { receive, alert, acted, finished, clock, remediation } = remediationOf();
    const first = alert();
    expect(receive(first)).toEqual(['accepted execute']);
    expect(acted).toMatchObject([{ action: 'restart', parameters: { component: 'gmail', force: false } }]);
    expect(remediation.running()).toHaveLength(1);
    expect(receive(first)).toEqual(['duplicate duplicate']);
    await clock.advance(250);
    acted[0]!.end();
    await settle();
    expect(finished()).toMatchObject([{ outcome: 'success', message: 'done', durationMs: 250, component: 'gmail' }]);
    expect(receive(first)).toEqual(['duplicate duplicate']);
    expect(acted).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('leaves a tombstone when it is over: firing again under the same beginning is stale', () => {
    const { receive, alert, acted } = remediationOf();
    expect(receive(alert({ status: 'resolved' }))).toEqual(['resolved resolved']);
    expect(receive(alert({ status: 'resolved' }))).toEqual(['duplicate duplicate']);
    expect(receive(alert())).toEqual(['stale stale']);
    expect(receive(alert({ startsAt: epochMs(1) }))).toEqual(['accepted execute']);
    expect(acted).toHaveLength(1);
  });

  it('is locked out while an action runs, and keeps its chance for the next delivery', async () => {
    const { receive, alert, acted, clock } = remediationOf({ policy: withLimits({ cooldown: 0 }) });
    receive(alert());
    const second = alert({ fingerprint: 'cd' });
    expect(receive(second)).toEqual(['accepted locked']);
    acted[0]!.end();
    await settle();
    await clock.advance(1);
    expect(receive(second)).toEqual(['accepted execute']);
  });

  it('of one body sees what the alert before it in the same body has begun', () => {
    const { receive, alert, acted } = remediationOf();
    expect(receive(alert(), alert(), alert({ fingerprint: 'cd' }), null)).toEqual([
      'accepted execute',
      'duplicate duplicate',
      'accepted locked',
      'malformed null',
    ]);
    expect(acted).toHaveLength(1);
  });

  it('waits for the cooldown and respects the hour, per component', async () => {
    const policy = withLimits({ cooldown: '10s', max_per_hour: 2 });
    const { receive, alert, acted, clock, targets } = remediationOf({ policy });
    targets.set('browser', restartable);
    const next = async () => {
      const told = receive(alert({ fingerprint: String(clock.now()) }));
      acted.at(-1)?.end();
      await settle();
      return told[0];
    };
    expect(await next()).toBe('accepted execute');
    await clock.advance(9_999);
    expect(await next()).toBe('accepted cooldown');
    expect(receive(alert({ labels: { alertname: 'Down', component: 'browser' } }))).toEqual(['accepted execute']);
    await clock.advance(1);
    expect(await next()).toBe('accepted execute');
    await clock.advance(10_000);
    expect(await next()).toBe('accepted rate_limited');
    await clock.advance(3_600_000);
    expect(await next()).toBe('accepted execute');
  });

  it.each([
    {
      error: failure('ACTION_FAILED', { action: 'restart', component: 'gmail', why: 'ill' }),
      outcome: 'verify_failed',
    },
    { error: failure('ACTION_REFUSED', { action: 'restart', component: 'gmail', why: 'no' }), outcome: 'failure' },
    { error: new Error('bug'), outcome: 'failure' },
  ])('ends as $outcome', async ({ error, outcome }) => {
    const { receive, alert, acted, finished } = remediationOf();
    receive(alert());
    acted[0]!.end(error);
    await settle();
    expect(finished()).toMatchObject([{ outcome, message: error.message }]);
  });

  it('that is never verified ends after a quarter of an hour, and the lock with it', async () => {
    const { receive, alert, finished, clock, remediation } = remediationOf();
    receive(alert());
    await clock.advance(15 * 60_000);
    expect(finished()).toMatchObject([{ outcome: 'timeout' }]);
    expect(remediation.running()).toEqual([]);
  });

  it('is refused whole when the decision cannot be kept, and is as new when it comes again', () => {
    const { receive, alert, acted, finished, fill } = remediationOf();
    fill(true);
    const refused = alert();
    expect(() => receive(refused)).toThrow('events.db could not be written');
    expect(acted).toEqual([]);
    expect(finished()).toMatchObject([{ outcome: 'cancelled' }]);
    fill(false);
    expect(receive(refused)).toEqual(['accepted execute']);
  });

  it('is refused while nobody knows yet what runs, and is as new when it comes again', () => {
    const { receive, alert, events, boot } = remediationOf();
    boot(true);
    const early = alert();
    expect(() => receive(early)).toThrow('The daemon is starting');
    expect(events).toEqual([]);
    boot(false);
    expect(receive(early)).toEqual(['accepted execute']);
  });

  it('that names nobody, or somebody who is not there, is denied and made nobody’s', () => {
    const { receive, alert, events } = remediationOf();
    expect(receive(alert({ labels: { alertname: 'Down' } }))).toEqual(['accepted denied']);
    expect(receive(alert({ labels: { alertname: 'Down', component: '../x' } }))).toEqual(['accepted denied']);
    const decided = events.filter((event) => event.type === 'remediation.decided');
    expect(decided.map(({ component }) => component)).toEqual(['host', 'host']);
  });

  it('only by its label has no policy; without one it is nobody’s business', () => {
    const { receive, alert, acted } = remediationOf({ policy: { rules: [] } });
    const labels = { alertname: 'Down', component: 'gmail', recovery_action: 'restart' };
    expect(receive(alert({ labels }))).toEqual(['unmatched no_policy']);
    expect(receive(alert({ labels: { ...labels, recovery_action: 'rm -rf' } }))).toEqual(['unmatched null']);
    expect(receive(alert())).toEqual(['unmatched null']);
    expect(acted).toEqual([]);
  });

  it('matches every label of a rule, one of a list of values, and the first rule', () => {
    const on = (match: object, dry_run: boolean) => ({
      match,
      action: { restart: { component: 'gmail' } },
      dry_run,
    });
    const rules = [
      on({ alertname: ['Down', 'Failing'], severity: 'critical' }, true),
      on({ alertname: 'Down' }, false),
    ];
    const { receive, alert } = remediationOf({ policy: { rules } });
    expect(receive(alert({ labels: { alertname: 'Failing' } }))).toEqual(['unmatched null']);
    expect(receive(alert({ labels: { alertname: 'Failing', severity: 'critical' } }))).toEqual(['accepted dry_run']);
    expect(receive(alert({ fingerprint: 'cd' }))).toEqual(['accepted execute']);
  });
});

describe('the keys of alerts', () => {
  const HOUR = 3_600_000;

  it('last as long as the alert is delivered, and two days longer', async () => {
    const { receive, alert, acted, clock } = remediationOf({ policy: withLimits({ cooldown: 0 }) });
    const long = alert();
    receive(long);
    acted[0]!.end();
    await settle();
    for (let hours = 0; hours < 96; hours += 4) {
      await clock.advance(4 * HOUR);
      expect(receive(long)).toEqual(['duplicate duplicate']);
      // Others come and go meanwhile, which is when old keys are forgotten.
      receive(alert({ fingerprint: String(hours).padStart(4, '0'), status: 'resolved' }));
    }
    await clock.advance(48 * HOUR);
    receive(alert({ fingerprint: 'eeee', status: 'resolved' }));
    expect(receive(long)).toEqual(['accepted execute']);
  });

  it('and limits belong to a rule wherever it stands in the list', async () => {
    const other = { match: { alertname: 'Other' }, action: { stop: { component: 'gmail' } } };
    const first = remediationOf();
    first.receive(first.alert());
    first.acted[0]!.end();
    await settle();
    const past = first.events;
    const moved = remediationOf({ clock: first.clock, past, policy: { rules: [other, rule] } });
    expect(moved.receive(moved.alert({ fingerprint: 'cd' }))).toEqual(['accepted cooldown']);
    const labels = { alertname: 'Other', component: 'gmail' };
    expect(moved.receive(moved.alert({ fingerprint: 'ef', labels }))).toEqual(['accepted execute']);
  });

  it('are given back by the store too when a decision could not be kept at once', () => {
    const { receive, alert, events, fill, clock } = remediationOf();
    fill(true);
    const refused = alert();
    const over = alert({ fingerprint: 'cd', status: 'resolved' });
    expect(() => receive(refused, over)).toThrow('events.db could not be written');
    const next = remediationOf({ clock, past: events });
    next.remediation.resume();
    expect(next.acted).toEqual([]);
    expect(next.receive(refused, over)).toEqual(['accepted execute', 'resolved resolved']);
  });
});

describe('the next daemon', () => {
  const decided = (at: EpochMs): EventOf<'remediation.decided'> => ({
    type: 'remediation.decided',
    at,
    component: componentName('gmail'),
    remediation: 'REM-1' as EventOf<'remediation.decided'>['remediation'],
    action: 'restart',
    parameters: { component: 'gmail', force: false },
    decision: 'execute',
    why: '',
    alert: { name: 'Down', fingerprint: 'ab', startsAt: at, status: 'firing' },
    receiver: 'alertmanager',
    rule: 0,
    ruleId: ruleIdOf(theRule),
    trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) },
  });

  it('knows what was done: the same alert is a duplicate, and the cooldown goes on', () => {
    const clock = new FakeClock();
    const before = decided(clock.now());
    const over: RecoveryEvent = {
      type: 'remediation.finished',
      at: clock.now(),
      component: before.component,
      action: 'restart',
      remediation: before.remediation,
      outcome: 'success',
      message: '',
      durationMs: 1,
    };
    const { receive, alert, remediation, acted } = remediationOf({ clock, past: [before, over] });
    remediation.resume();
    expect(acted).toEqual([]);
    expect(receive(alert())).toEqual(['duplicate duplicate']);
    expect(receive(alert({ fingerprint: 'cd' }))).toEqual(['accepted cooldown']);
  });

  it.each([
    { what: 'was not begun is done', target: restartable, acts: ['restart'], outcome: 'success' },
    { what: 'is half done is waited for', target: { ...restartable, busy: true }, acts: ['start'], outcome: 'success' },
    {
      what: 'is done already is told',
      target: { ...restartable, healthySince: epochMs(1e15) },
      acts: [],
      outcome: 'success',
    },
    { what: 'nobody is there for is cancelled', target: undefined, acts: [], outcome: 'cancelled' },
  ])('ends what the one before has decided: what $what', async ({ target, acts, outcome }) => {
    const clock = new FakeClock();
    const { acted, targets, remediation, finished } = remediationOf({ clock, past: [decided(clock.now())] });
    if (target) targets.set('gmail', target);
    else targets.clear();
    remediation.resume();
    expect(acted.map(({ action }) => action)).toEqual(acts);
    for (const { end } of acted) end();
    await settle();
    expect(finished()).toMatchObject([{ remediation: 'REM-1', outcome }]);
    expect(remediation.running()).toEqual([]);
  });

  it.each([
    { what: 'remediation is switched off', policy: { enabled: false }, target: restartable },
    { what: 'the component is disabled', policy: {}, target: { ...restartable, enabled: false } },
    { what: 'a person has stopped it', policy: {}, target: { ...restartable, held: true, busy: true } },
  ])('does nothing any more when $what', ({ policy, target }) => {
    const clock = new FakeClock();
    const { acted, targets, remediation, finished } = remediationOf({ clock, policy, past: [decided(clock.now())] });
    targets.set('gmail', target);
    remediation.resume();
    expect(acted).toEqual([]);
    expect(finished()).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('leaves to the one after it what its own stop has interrupted', async () => {
    const { receive, alert, acted, finished, remediation } = remediationOf();
    receive(alert());
    acted[0]!.end(failure('SHUTTING_DOWN', undefined));
    await settle();
    expect(finished()).toEqual([]);
    expect(remediation.running()).toHaveLength(1);
  });
});

function withLimits(limits: object): object {
  const action = { restart: { component: '{{ labels.component }}' } };
  return { rules: [{ match: { alertname: 'Down' }, action, ...limits }] };
}
