import { describe, expect, it } from 'vitest';
import { HOST, type EventOf, type RecoveryEvent } from '../../src/model/index.ts';
import { askedBy } from '../../src/remediation/match.ts';
import { createRemediation, type Alert } from '../../src/remediation/index.ts';
import { remediationSchema, type RemediationRule } from '../../src/remediation/schema.ts';
import { FakeClock } from '../support/fake-clock.ts';

const looping = { alertname: 'ParamedicCrashLooping', component: 'gmail', recovery_action: 'degrade' };
const rule = (degrade: object) => ({ match: { alertname: 'ParamedicCrashLooping' }, action: { degrade } });
const parse = (...rules: object[]) => remediationSchema.parse({ rules });

/** Nobody knows any component; remembers what was asked for. */
function begin(
  policy: ReturnType<typeof parse>,
  { past = [], now }: { past?: EventOf<'remediation.decided'>[]; now?: number } = {},
) {
  const clock = new FakeClock(now);
  const acted: unknown[][] = [];
  const events: RecoveryEvent[] = [];
  const remediation = createRemediation({
    clock,
    emit: (...stated) => void events.push(...stated),
    sync: () => {},
    policy: () => policy,
    target: () => undefined,
    act: async (...call) => (acted.push(call), 'held'),
    requireReady: () => {},
    past,
  });
  const alert = (fingerprint: string, labels: Record<string, string> = looping): Alert => {
    return { name: 'x', fingerprint, startsAt: clock.now(), status: 'firing', labels, annotations: {} };
  };
  const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const receive = (...alerts: Alert[]) =>
    remediation.receive({ receiver: 'alertmanager', trace, alerts }).map(({ decision }) => decision);
  return { clock, acted, events, remediation, alert, receive };
}

describe('an alert that asks for less to be done', () => {
  it('means this machine, whichever component it is about, and shares the limits of its rule', async () => {
    const { acted, alert, receive, clock } = begin(parse(rule({ level: 'reduced', for: '30m' })));
    expect(receive(alert('1'))).toEqual(['execute']);
    await clock.advance(0);
    expect(acted).toEqual([['degrade', { level: 'reduced', for: '30m' }]]);
    expect(receive(alert('2', { ...looping, component: 'mail' }))).toEqual(['cooldown']);
    await clock.advance(300_000);
    expect(receive(alert('2'))).toEqual(['execute']);
  });

  it('is never in the way of another one: nothing of this machine is ever under way', () => {
    const emergency = { ...rule({ level: 'emergency' }), match: { alertname: 'OutOfMemory' } };
    const { alert, receive } = begin(parse(rule({ level: 'reduced' }), emergency));
    expect(receive(alert('1'), alert('2', { alertname: 'OutOfMemory' }))).toEqual(['execute', 'execute']);
  });

  it('without a rule gets nothing, and makes up no component', () => {
    const { acted, alert, receive } = begin(parse());
    expect(receive(alert('1', { ...looping, component: 'stranger' }))).toEqual(['no_policy']);
    expect(acted).toEqual([]);
  });

  it.each([
    [{ level: 'minimal' }, { level: 'minimal' }],
    [{ level: 'auto' }, { level: 'auto' }],
    [
      { level: 'offline', for: '90s' },
      { level: 'offline', for: '90s' },
    ],
  ])('by the rule %j asks for %j', (options, parameters) => {
    const [parsed] = parse(rule(options)).rules as [RemediationRule];
    const { alert } = begin(parse());
    expect(askedBy(parsed, alert('1'))).toEqual({ action: 'degrade', parameters, component: HOST, force: false });
  });

  it.each([
    [{ level: 'low' }, ['level']],
    [{ level: 'minimal', for: 0 }, ['for']],
    [{ level: 'minimal', for: '400d' }, ['for']],
    [{ level: 'auto', for: '1h' }, ['for']],
    [{ level: 'minimal', component: 'gmail' }, []],
  ])('by the rule %j is refused', (options, path) => {
    expect(remediationSchema.safeParse({ rules: [rule(options)] }).error?.issues).toMatchObject([
      { path: ['rules', 0, 'action', 'degrade', ...path] },
    ]);
  });

  describe('and was not carried out when the daemon died', () => {
    const at = new FakeClock().now();
    const left = (parameters: Record<string, unknown>): EventOf<'remediation.decided'> => ({
      type: 'remediation.decided',
      at,
      component: HOST,
      remediation: 'REM-1' as EventOf<'remediation.decided'>['remediation'],
      action: 'degrade',
      parameters,
      decision: 'execute',
      why: '',
      alert: { name: 'x', fingerprint: '1', startsAt: at, status: 'firing' },
      receiver: 'alertmanager',
      rule: 0,
      ruleId: 'r',
      trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) },
    });

    it.each([
      ['at once', { level: 'reduced' }, 0, { level: 'reduced', for: '15m' }],
      ['later', { level: 'reduced' }, 300_000, { level: 'reduced', for: '10m' }],
      ['much later', { level: 'reduced', for: '7d' }, 86_400_000, { level: 'reduced', for: '6d' }],
      ['with a clock that was put back', { level: 'reduced', for: '1h' }, -60_000, { level: 'reduced', for: '1h' }],
      ['and gives it back', { level: 'auto' }, 86_400_000, { level: 'auto' }],
    ])('holds it for what is left of its time: the next daemon comes %s', async (_, decided, later, asked) => {
      const { acted, remediation, clock } = begin(parse(), { past: [left(decided)], now: at + later });
      remediation.resume();
      await clock.advance(0);
      expect(acted).toEqual([['degrade', asked]]);
    });

    it('holds nothing when its time is over', async () => {
      const { acted, events, remediation, clock } = begin(parse(), {
        past: [left({ level: 'minimal' })],
        now: at + 900_000,
      });
      remediation.resume();
      await clock.advance(0);
      expect(acted).toEqual([]);
      expect(events).toMatchObject([
        { type: 'remediation.finished', outcome: 'cancelled', message: 'the time for which it was asked for is over' },
      ]);
    });
  });
});
