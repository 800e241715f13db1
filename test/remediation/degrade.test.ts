import { describe, expect, it } from 'vitest';
import { componentName, epochMs, HOST, type EventOf } from '../../src/model/index.ts';
import { askedBy, ruleIdOf } from '../../src/remediation/match.ts';
import { createRemediation, type Alert } from '../../src/remediation/index.ts';
import { remediationSchema, type RemediationRule } from '../../src/remediation/schema.ts';
import { FakeClock } from '../support/fake-clock.ts';

const looping = { alertname: 'ParamedicCrashLooping', component: 'gmail', recovery_action: 'degrade' };
const rule = (degrade: object) => ({ match: { alertname: 'ParamedicCrashLooping' }, action: { degrade } });
const parse = (...rules: object[]) => remediationSchema.parse({ rules });

/** Nobody knows any component; remembers what was asked for. */
function begin(policy: ReturnType<typeof parse>, past: EventOf<'remediation.decided'>[] = []) {
  const clock = new FakeClock();
  const acted: unknown[][] = [];
  const remediation = createRemediation({
    clock,
    emit: () => {},
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
  return { clock, acted, remediation, alert, receive };
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
    [{ level: 'auto', for: '1h' }, []],
    [{ level: 'minimal', component: 'gmail' }, []],
  ])('by the rule %j is refused', (options, path) => {
    expect(remediationSchema.safeParse({ rules: [rule(options)] }).error?.issues).toMatchObject([
      { path: ['rules', 0, 'action', 'degrade', ...path] },
    ]);
  });

  it('is carried on by the next daemon: held twice is held once', async () => {
    const policy = parse(rule({ level: 'reduced' }));
    const at = epochMs(Date.UTC(2026, 10, 23, 12));
    const decided: EventOf<'remediation.decided'> = {
      type: 'remediation.decided',
      at,
      component: componentName('host'),
      remediation: 'REM-1' as EventOf<'remediation.decided'>['remediation'],
      action: 'degrade',
      parameters: { level: 'reduced' },
      decision: 'execute',
      why: '',
      alert: { name: 'x', fingerprint: '1', startsAt: at, status: 'firing' },
      receiver: 'alertmanager',
      rule: 0,
      ruleId: ruleIdOf(policy.rules[0]!),
      trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) },
    };
    const { acted, remediation, clock } = begin(policy, [decided]);
    remediation.resume();
    await clock.advance(0);
    expect(acted).toEqual([['degrade', { level: 'reduced' }]]);
  });
});
