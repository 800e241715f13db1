import { describe, expect, it } from 'vitest';
import type { EventOf, IncidentId, RecoveryEvent } from '../../../src/model/index.ts';
import { toSpans } from '../../../src/telemetry/spans/to-spans.ts';
import {
  at,
  begun,
  checkpoint,
  contextOver,
  crashed,
  decided,
  finished,
  gmail,
  incident,
  life,
  opened,
  outline,
  ready,
  recovery,
  resolved,
  run,
  started,
  starting,
  stopped,
  tell,
} from './story.ts';

const draw = (events: readonly RecoveryEvent[], facts = events) =>
  events.filter(({ type }) => type === 'recovery.finished').flatMap((event) => toSpans(event, contextOver(facts)));

const restored = tell(2.5, 'checkpoint.restored', {
  checkpoint,
  source: 'latest',
  outcome: 'success',
  entriesReplayed: 2,
  dataLossMs: 1_500,
  checkpointsLost: 0,
});
const simple = [
  opened(0),
  crashed(0, 1),
  decided(0, 1_000),
  begun(0),
  starting(1, 2),
  started(2, 2),
  restored,
  ready(4, 2),
  finished(4),
  resolved(4),
];

describe('a recovery', () => {
  it.each<{ of: string; events: readonly RecoveryEvent[]; drawn: string[] }>([
    {
      of: 'a crash',
      events: simple,
      drawn: [
        '… → recovery -1..4',
        '… → recovery → detect -1..0',
        '… → recovery → decide 0..0',
        '… → recovery → act 0..2',
        '… → recovery → act → restart 1..4',
        '… → recovery → act → restart → start 1..2',
        '… → recovery → act → restart → ready 2..4',
        '… → recovery → act → restart → checkpoint.restore 2.5..2.5',
        '… → recovery → verify 2..4',
      ],
    },
    {
      of: 'a hang: what still lives is stopped first',
      events: [
        opened(0),
        decided(0),
        begun(0),
        ...stopped(0, 2, 1, true),
        starting(2, 2),
        started(3, 2),
        ready(5, 2),
        finished(5),
      ],
      drawn: [
        '… → recovery -1..5',
        '… → recovery → detect -1..0',
        '… → recovery → decide 0..0',
        '… → recovery → act 0..3',
        '… → recovery → act → restart 0..5',
        '… → recovery → act → restart → stop 0..2',
        '… → recovery → act → restart → start 2..3',
        '… → recovery → act → restart → ready 3..5',
        '… → recovery → verify 3..5',
      ],
    },
    {
      of: 'a second try',
      events: [
        opened(0),
        crashed(0, 1),
        decided(0),
        begun(0),
        starting(0, 2),
        started(1, 2),
        crashed(2, 2),
        decided(2, 3_000, 2),
        starting(5, 3),
        started(6, 3),
        ready(7, 3),
        finished(7),
      ],
      drawn: [
        '… → recovery -1..7',
        '… → recovery → detect -1..0',
        '… → recovery → decide 0..0',
        '… → recovery → decide 2..2',
        '… → recovery → act 0..6',
        '… → recovery → act → restart 0..2 [SIGKILL]',
        '… → recovery → act → restart → start 0..1',
        '… → recovery → act → restart → ready 1..2 [SIGKILL]',
        '… → recovery → act → restart 5..7',
        '… → recovery → act → restart → start 5..6',
        '… → recovery → act → restart → ready 6..7',
        '… → recovery → verify 1..7',
      ],
    },
    {
      of: 'a start that the system refuses, given up',
      events: [
        opened(0),
        crashed(0, 1),
        decided(0),
        begun(0),
        starting(0, 2),
        tell(1, 'component.start_failed', { incarnation: life(2), why: 'no such file' }),
        finished(1, 'escalated'),
      ],
      drawn: [
        '… → recovery -1..1 [SIGKILL]',
        '… → recovery → detect -1..0',
        '… → recovery → decide 0..0',
        '… → recovery → act 0..1 [SIGKILL]',
        '… → recovery → act → restart 0..1 [start_failed]',
        '… → recovery → act → restart → start 0..1 [start_failed]',
      ],
    },
    {
      of: 'one that a person called off',
      events: [opened(0), crashed(0, 1), decided(0, 9_000), begun(0), finished(3, 'aborted')],
      drawn: ['… → recovery -1..3', '… → recovery → detect -1..0', '… → recovery → decide 0..0'],
    },
    {
      of: 'one in an incident that had long been open',
      events: [opened(-100), crashed(0, 1), begun(0), finished(3, 'aborted')],
      drawn: ['… → recovery -0.5..3', '… → recovery → detect -0.5..0'],
    },
    {
      of: 'one of which only the end is known',
      events: [finished(4)],
      drawn: ['… → recovery -0.5..4', '… → recovery → detect -0.5..0', '… → recovery → verify 4..4'],
    },
  ])('$of', ({ events, drawn }) => {
    expect(outline(draw(events))).toEqual(drawn);
  });

  it('is the same when it is drawn again', () => {
    expect(draw(simple)).toEqual(draw(simple));
    expect(new Set(draw(simple).map(({ spanId }) => spanId)).size).toBe(draw(simple).length);
  });

  it('has the ids that everybody else knows, too', () => {
    const [root, ...rest] = draw(simple);
    expect(root).toMatchObject({ traceId: incident, spanId: recovery.slice(0, 16), parentId: incident.slice(0, 16) });
    const start = rest.find(({ name }) => name === 'paramedic.start');
    expect(start).toMatchObject({ traceId: incident, spanId: life(2).slice(0, 16) });
  });

  it('says what is known of it', () => {
    const spans = draw(simple);
    const attributesOf = (name: string) => spans.find((span) => span.name === `paramedic.${name}`)?.attributes;
    expect(attributesOf('recovery')).toEqual({
      'paramedic.recovery.id': recovery,
      'paramedic.incident.id': incident,
      'paramedic.component.name': 'gmail',
      'paramedic.component.kind': 'process',
      'paramedic.component.criticality': 'high',
      'paramedic.trigger': 'crash',
      'paramedic.outcome': 'recovered',
      'paramedic.rto.objective_s': 30,
      'paramedic.rto.achieved_s': 4,
      'paramedic.rpo.achieved_s': 1.5,
    });
    expect(attributesOf('decide')).toMatchObject({
      'paramedic.policy.rule': 'exponential_backoff',
      'paramedic.decision': 'restart',
    });
    expect(attributesOf('restart')).toMatchObject({
      'paramedic.restart.attempt': 2,
      'paramedic.restart.reason': 'crash',
      'paramedic.restart.strategy': 'exponential_backoff',
      'paramedic.restart.backoff_s': 1,
      'process.pid': 2,
      'paramedic.process.exit.signal': 'SIGKILL',
    });
    expect(attributesOf('verify')).toEqual({ 'paramedic.verify.attempts': 1 });
    expect(attributesOf('checkpoint.restore')).toMatchObject({ 'paramedic.checkpoint.id': checkpoint });
  });

  it('is linked with the check, the alert and the fault that led to it, and with the incident before', () => {
    const before = 'e'.repeat(32) as IncidentId;
    const causes: RecoveryEvent[] = [
      { type: 'fault.injected', at: at(-2), component: gmail, run, fault: 'kill', pid: 1 },
      opened(0, before),
      tell(-0.5, 'check.tripped', {
        check: 'api',
        kind: 'http',
        outcome: 'timeout',
        message: '',
        consecutiveFailures: 3,
        action: 'restart',
      }),
      tell(-0.2, 'remediation.decided', {
        remediation: 'REM-1' as EventOf<'remediation.decided'>['remediation'],
        action: 'restart',
        parameters: {},
        decision: 'execute',
        why: '',
        alert: { name: 'Down', fingerprint: 'f', startsAt: at(-9), status: 'firing' },
        receiver: 'alertmanager',
        rule: 0,
        ruleId: null,
        trace: { traceId: '7'.repeat(32), spanId: '8'.repeat(16) },
      }),
    ];
    const [root] = draw([...causes, ...simple.slice(1)]);
    expect(root?.links).toHaveLength(4);
    expect(root?.links.map(({ traceId }) => traceId)).toEqual(expect.arrayContaining(['7'.repeat(32), before]));

    const [remediation] = toSpans(
      tell(4, 'remediation.finished', {
        remediation: 'REM-1' as EventOf<'remediation.decided'>['remediation'],
        action: 'restart',
        outcome: 'success',
        message: '',
        durationMs: 4_200,
      }),
      contextOver([...causes, ...simple.slice(1)]),
    );
    expect(remediation).toMatchObject({ name: 'paramedic.remediation', parentId: '8'.repeat(16) });
    expect(remediation?.links).toEqual([{ traceId: incident, spanId: recovery.slice(0, 16) }]);
    expect(root?.links).toContainEqual({ traceId: remediation?.traceId, spanId: remediation?.spanId });
  });

  it('stays in the trace that it began in when a person resolves the incident meanwhile', () => {
    const { incident: _, ...end } = finished(4);
    const events = [...simple.slice(0, 8), end as RecoveryEvent];
    expect(draw(events)[0]).toMatchObject({ traceId: incident, parentId: incident.slice(0, 16) });
  });
});

describe('an incident', () => {
  it('is the root of its trace, from the beginning of the fault, with what happened', () => {
    const [root, ...others] = toSpans(resolved(4), contextOver(simple));
    expect(others).toEqual([]);
    expect(root).toMatchObject({
      traceId: incident,
      spanId: incident.slice(0, 16),
      parentId: null,
      name: 'paramedic.incident',
      startMs: at(-1),
      endMs: at(4),
      errorType: null,
      attributes: { 'paramedic.incident.severity': 'critical', 'paramedic.incident.category': 'crash' },
    });
    expect(root?.events.map(({ name }) => name)).toEqual([
      'paramedic.incident.opened',
      'paramedic.component.crashed',
      'paramedic.component.ready',
    ]);
  });

  it('keeps the newest marks of many', () => {
    const many = Array.from({ length: 300 }, (_, n) => crashed(n / 100, 1));
    const [root] = toSpans(resolved(4), contextOver([...many, opened(3.5)]));
    expect(root?.events).toHaveLength(128);
    expect(root?.events.at(-1)?.name).toBe('paramedic.incident.opened');
  });

  it('whose beginning is forgotten is as long as its end says', () => {
    expect(toSpans(resolved(4), contextOver([]))[0]).toMatchObject({ startMs: at(0), endMs: at(4) });
  });
});
