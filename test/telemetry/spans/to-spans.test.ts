import { describe, expect, it } from 'vitest';
import { eventTypes, type EventOf, type RecoveryEvent } from '../../../src/model/index.ts';
import { recoveryPlace, remediationPlace } from '../../../src/telemetry/trace-ids.ts';
import { verifyPlace } from '../../../src/telemetry/spans/recovery.ts';
import { drawnFrom, toSpans } from '../../../src/telemetry/spans/to-spans.ts';
import { samples } from '../events.ts';
import {
  at,
  begun,
  contextOver,
  crashed,
  gmail,
  incident,
  life,
  opened,
  outline,
  ready,
  recovery,
  run,
  started,
  starting,
  tell,
} from './story.ts';

/** As it was stated when no incident was open. */
const outside = (event: RecoveryEvent): RecoveryEvent => {
  const { incident: _, ...rest } = event;
  return rest as RecoveryEvent;
};
const draw = (event: RecoveryEvent, events: readonly RecoveryEvent[] = []) => toSpans(event, contextOver(events));

const nothingStored = contextOver([samples['remediation.decided']]);

describe('spans', () => {
  it.each(eventTypes)('of %s: drawn again they are the same, and their names carry no ids', (type) => {
    const spans = toSpans(samples[type], nothingStored);
    expect(toSpans(structuredClone(samples[type]), nothingStored)).toEqual(spans);
    for (const span of spans) {
      expect(span.name).toMatch(/^(paramedic(\.[a-z_]+)+|POST \/webhooks\/[a-z]+)$/);
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
      expect(span.attributes['error.type'] ?? null).toBe(span.errorType);
    }
  });

  it('are drawn from no stored event that a daemon would not look for when it comes back', () => {
    const drawn = eventTypes.filter((type) => toSpans(samples[type], nothingStored).length > 0);
    const passing = ['check.completed', 'webhook.answered'];
    expect(drawn.filter((type) => !passing.includes(type)).toSorted()).toEqual([...drawnFrom].toSorted());
  });
});

describe('a start outside a recovery', () => {
  it('is a trace of its own, with the id that the child was told', () => {
    const events = [starting(0, 1), started(1, 1), ready(3, 1)].map(outside);
    const spans = draw(events[2]!, events);
    expect(outline(spans)).toEqual(['start 0..3', 'start → ready 1..3']);
    expect(spans[0]).toMatchObject({ traceId: life(1), spanId: life(1).slice(0, 16), parentId: null });
  });

  it('that the system refused is drawn though the next one has begun in the incident', () => {
    const end = tell(1, 'component.start_failed', { incarnation: life(1), why: '' });
    const events = [outside(starting(0, 1)), opened(1), end, begun(1), starting(1, 2)];
    expect(draw(end, events)[0]).toMatchObject({ traceId: life(1), parentId: null, errorType: 'start_failed' });
  });

  it('that is forgotten is as long as it says', () => {
    expect(outline(draw(outside(ready(3, 1))))).toEqual(['start 2..3', 'start → ready 2..3']);
  });

  it.each<{ what: string; end: RecoveryEvent; drawn: string }>([
    {
      what: 'could not be made',
      end: outside(tell(1, 'component.start_failed', { incarnation: life(1), why: '' })),
      drawn: 'start 0..1 [start_failed]',
    },
    {
      what: 'was not ready in time',
      end: tell(9, 'component.start_timed_out', { incarnation: life(1), afterMs: 9_000, waitingFor: [] }),
      drawn: 'start 0..9 [timeout]',
    },
    { what: 'crashed before it was ready', end: crashed(5, 1), drawn: 'start 0..5 [SIGKILL]' },
  ])('$what: it has failed', ({ end, drawn }) => {
    const events = [outside(starting(0, 1)), opened(5)];
    expect(outline(draw(end, events))).toEqual([drawn]);
  });

  it('is not drawn for a crash after it was ready', () => {
    const events = [starting(0, 1), started(1, 1), ready(3, 1)].map(outside);
    expect(draw(crashed(5, 1), [...events, opened(5)])).toEqual([]);
  });

  it('hangs under the incident that was open, and under the recovery that draws it if there is one', () => {
    const events = [opened(0), starting(1, 2), started(1, 2)];
    expect(draw(ready(2, 2), events)[0]).toMatchObject({ traceId: incident, parentId: incident.slice(0, 16) });
    expect(draw(ready(2, 2), [opened(0), begun(0), ...events.slice(1)])).toEqual([]);
    expect(draw(crashed(2, 2), [opened(0), begun(0), ...events.slice(1)])).toEqual([]);
  });
});

describe('a run of a check', () => {
  const run_ = samples['check.completed'];

  it('is a trace of its own, as long as it took', () => {
    const [span] = draw({ ...run_, outcome: 'healthy', durationMs: 250 });
    expect(span).toMatchObject({ parentId: null, endMs: run_.at, startMs: run_.at - 250, errorType: null });
    expect(span?.attributes).toMatchObject({ 'paramedic.check.name': 'api', 'paramedic.check.result': 'healthy' });
  });

  it('fails with its outcome', () => {
    expect(draw({ ...run_, outcome: 'critical' })[0]).toMatchObject({ errorType: 'critical' });
    expect(draw({ ...run_, outcome: 'degraded' })[0]).toMatchObject({ errorType: null });
  });

  it('is part of the verification that waits for it', () => {
    const context = contextOver([], { verifying: () => ({ recovery, incident }) });
    expect(toSpans(run_, context)[0]).toMatchObject({
      traceId: incident,
      parentId: verifyPlace(recoveryPlace(recovery, incident)).spanId,
    });
  });
});

describe('a breaker', () => {
  const opening = { ...samples['breaker.transitioned'], at: at(9), firstFailureAt: at(3) };

  it('took from its first failure on', () => {
    expect(outline(draw(opening))).toEqual(['circuit_breaker.transition 3..9']);
    expect(outline(draw({ ...opening, firstFailureAt: null }))).toEqual(['circuit_breaker.transition 9..9']);
  });

  it('stands in the trace of its incident', () => {
    expect(draw({ ...opening, incident })[0]).toMatchObject({ traceId: incident, parentId: incident.slice(0, 16) });
  });
});

describe('a level of degradation', () => {
  it('changes in a moment, in a trace of its own, and says by whom and why', () => {
    const changed = { ...samples['degradation.level_changed'], at: at(9) };
    const [span] = draw(changed);
    expect(outline([span!])).toEqual(['degradation.change 9..9']);
    expect(span?.parentId).toBeNull();
    expect(span?.attributes).toEqual({
      'paramedic.degradation.from': 'full',
      'paramedic.degradation.to': 'minimal',
      'paramedic.degradation.trigger': 'policy',
      'paramedic.degradation.reason': 'CPU at 75%, from 70% on',
    });
    expect(draw({ ...changed, at: at(10) })[0]?.traceId).not.toBe(span?.traceId);
  });

  it('that an alert asked for hangs below its remediation', () => {
    const decided = {
      ...samples['remediation.decided'],
      at: at(8),
      decision: 'execute' as const,
      action: 'degrade' as const,
    };
    const minimal = { ...decided, parameters: { level: 'minimal' } };
    const milder = { ...decided, parameters: { level: 'reduced' }, remediation: 'REM-2' as typeof decided.remediation };
    const changed = { ...samples['degradation.level_changed'], at: at(9), trigger: 'alert' as const };
    const [span] = draw(changed, [minimal, milder]);
    const { traceId, spanId } = remediationPlace(minimal.remediation, minimal.trace);
    expect(span).toMatchObject({ traceId, parentId: spanId });
    expect(draw(changed, [milder])[0]?.parentId).toBeNull();
    expect(draw({ ...changed, trigger: 'manual' }, [minimal])[0]?.parentId).toBeNull();
  });
});

describe('a webhook', () => {
  const answered = samples['webhook.answered'];

  it('is a server span where the event says', () => {
    const [span] = draw(answered);
    expect(span).toMatchObject({
      ...answered.trace,
      kind: 'server',
      parentId: null,
      name: 'POST /webhooks/alertmanager',
    });
    expect(span?.attributes).toMatchObject({ 'http.response.status_code': 401, 'paramedic.webhook.rejection': 'auth' });
    expect(span?.errorType).toBe(null);
  });

  it('hangs under the caller that named itself, and fails when we do', () => {
    const parent = { traceId: answered.trace.traceId, spanId: '1'.repeat(16) };
    expect(draw({ ...answered, parent, code: 503 })[0]).toMatchObject({ parentId: parent.spanId, errorType: '503' });
  });
});

describe('a remediation', () => {
  const decided = { ...samples['remediation.decided'], at: at(0) };
  const finished = { ...samples['remediation.finished'], at: at(4), durationMs: 4_000 };

  it('that is refused is told at once', () => {
    const [span] = draw(decided);
    expect(span).toMatchObject({ traceId: decided.trace.traceId, parentId: decided.trace.spanId, errorType: null });
    expect(span?.attributes).toMatchObject({
      'paramedic.action.decision': 'cooldown',
      'paramedic.alert.fingerprint': '0a1b',
    });
  });

  it('that is carried out is told when it ends', () => {
    const execute = { ...decided, decision: 'execute' as const };
    expect(draw(execute)).toEqual([]);
    expect(outline(draw(finished, [execute]))).toEqual(['… → remediation 0..4']);
    expect(outline(draw({ ...finished, outcome: 'verify_failed' }, [execute]))).toEqual([
      '… → remediation 0..4 [verify_failed]',
    ]);
    expect(draw(finished)).toEqual([]);
  });
});

describe('an experiment', () => {
  const end: EventOf<'experiment.finished'> = { ...samples['experiment.finished'], at: at(9), durationMs: 9_000 };
  const injected: RecoveryEvent = { type: 'fault.injected', at: at(2), component: gmail, run, fault: 'kill', pid: 7 };
  const undone: RecoveryEvent = { type: 'fault.undone', at: at(8), component: gmail, run, fault: 'kill', how: '' };

  it('has a stage for each thing that it did', () => {
    expect(outline(draw({ ...end, outcome: 'passed' }, [injected, undone]))).toEqual([
      'chaos.experiment 0..9',
      'chaos.experiment → chaos.steady_state 0..2',
      'chaos.experiment → chaos.inject 2..2',
      'chaos.experiment → chaos.observe 2..8',
      'chaos.experiment → chaos.rollback 8..9',
    ]);
  });

  it('that made no fault has none, and is linked with what it led to', () => {
    const spans = draw(end);
    expect(outline(spans)).toEqual(['chaos.experiment 0..9 [failed]', 'chaos.experiment → chaos.steady_state 0..9']);
    expect(spans[0]?.links).toEqual([{ traceId: incident, spanId: incident.slice(0, 16) }]);
  });
});
