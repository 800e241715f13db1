import { describe, expect, it } from 'vitest';
import { componentName, epochMs, type EventOf, type IncidentSeverity } from '../../src/model/index.ts';
import { toNotification } from '../../src/notifiers/notification.ts';
import { isWanted, type Knowledge, type Tellable } from '../../src/notifiers/occasion.ts';
import { letterOf, summaryOf } from '../../src/notifiers/letter.ts';
import { notificationsSchema, type Occasion } from '../../src/notifiers/schema.ts';
import { crash, incident } from './facts.ts';

const about = { at: epochMs(Date.UTC(2026, 10, 23)), component: componentName('worker') };
const opened = (severity: IncidentSeverity): EventOf<'incident.opened'> => ({
  ...about,
  type: 'incident.opened',
  incident,
  severity,
  category: 'crash',
  title: 'worker crashed',
  description: 'exit code 1',
  signature: 's',
  startedAt: about.at,
  breaker: null,
  previous: null,
});
const updated = (severity: IncidentSeverity): Tellable => ({
  ...about,
  type: 'incident.updated',
  incident,
  severity,
  repeats: 2,
  why: 'again',
});
const resolved: Tellable = {
  ...about,
  type: 'incident.resolved',
  incident,
  severity: 'high',
  by: 'recovery',
  resolution: 'it is back',
  durationMs: 5,
};
const restarted = (outcome: 'success' | 'failure'): Tellable => ({
  ...about,
  type: 'restart.finished',
  reason: 'crash',
  outcome,
  durationMs: 1_500,
});
const failed: Tellable = { ...about, type: 'component.failed', rule: 'budget', why: 'five restarts' };

const stalled: Tellable = {
  type: 'daemon.stalled',
  at: about.at,
  crash: 'CRASH-20261123-224610-00000000',
  crashType: 'infinite_loop',
  stalledMs: 6_100,
  file: '/x.json',
};

const knows = (before: IncidentSeverity | null, tellsRestarts = true): Knowledge => ({
  tellsRestarts: () => tellsRestarts,
  severityBefore: () => before,
});

describe('who is told of what', () => {
  it.each<[string, Tellable, Occasion[], Knowledge, boolean]>([
    ['a crash', crash(1, 0), ['crash'], knows(null), true],
    ['a crash, not asked for', crash(1, 0), ['failed', 'incident.info'], knows(null), false],
    ['a daemon that hung', stalled, ['crash'], knows(null), true],
    ['what has failed', failed, ['failed'], knows(null), true],
    ['a restart', restarted('success'), ['restart'], knows(null), true],
    ['a restart of a component that is not told of', restarted('success'), ['restart'], knows(null, false), false],
    ['an incident that is bad enough', opened('critical'), ['incident.high'], knows(null), true],
    ['an incident that is just bad enough', opened('high'), ['incident.high'], knows(null), true],
    ['the incident of a crash that is told anyway', opened('critical'), ['incident.high', 'crash'], knows(null), false],
    ['an incident that is not', opened('medium'), ['incident.high'], knows(null), false],
    ['an incident that has become so', updated('high'), ['incident.high'], knows('medium'), true],
    ['an incident that only came again', updated('high'), ['incident.high'], knows('high'), false],
    ['an incident that has become worse', updated('critical'), ['incident.high'], knows('high'), true],
    ['an incident that has become worse, not enough', updated('medium'), ['incident.high'], knows('low'), false],
    ['the end of an incident', resolved, ['incident.resolved'], knows(null), true],
    ['the end of an incident, not asked for', resolved, ['incident.info'], knows(null), false],
  ])('%s', (_, event, on, knowledge, told) => {
    expect(isWanted(event, on, knowledge)).toBe(told);
  });

  it('is a configuration that says so, or one line of what is wrong', () => {
    const webhook = { url: 'https://example.com/a' };
    expect(notificationsSchema.parse({ webhooks: [webhook] }).webhooks[0]?.on).toEqual([
      'crash',
      'failed',
      'incident.critical',
    ]);
    expect(notificationsSchema.safeParse({ webhooks: [webhook, webhook] }).error?.issues).toMatchObject([
      { message: expect.stringContaining('same address') },
    ]);
    expect(notificationsSchema.safeParse({ max_age: '8d' }).success).toBe(false);
    expect(notificationsSchema.safeParse({ webhooks: [{ ...webhook, on: ['everything'] }] }).success).toBe(false);
  });
});

describe('a notification', () => {
  const surroundings = { host: 'box', mask: (text: string) => text, report: null };
  it.each<[Tellable, object]>([
    [crash(1, 0), { kind: 'crash', severity: 'high', message: 'ended (exit code 1) after 1.5s', report: null }],
    [crash(1, 0, { exit: { code: null, signal: 'SIGSEGV' } }), { message: 'ended (SIGSEGV) after 1.5s' }],
    [
      failed,
      { kind: 'failed', severity: 'critical', title: 'worker has failed and stays down', message: 'five restarts' },
    ],
    [stalled, { kind: 'crash', component: 'paramedic', type: 'infinite_loop', title: 'paramedic itself hung' }],
    [restarted('success'), { kind: 'restart', severity: 'info', title: 'worker was restarted' }],
    [restarted('failure'), { kind: 'restart', severity: 'high', title: 'worker could not be restarted' }],
    [
      opened('low'),
      {
        kind: 'incident.opened',
        severity: 'low',
        title: 'worker crashed',
        message: 'exit code 1',
        incident_id: incident,
      },
    ],
    [updated('high'), { kind: 'incident.updated', severity: 'high', title: 'An incident of worker is now high' }],
    [resolved, { kind: 'incident.resolved', title: 'An incident of worker is resolved', message: 'it is back' }],
  ])('of $type says what it is', (event, says) => {
    expect(toNotification(letterOf(1, event), surroundings)).toMatchObject({
      version: '1',
      host: 'box',
      component: 'worker',
      ...says,
    });
  });

  it.each([
    { head: crash(1, 0), says: { kind: 'crash', count: 9, title: 'worker crashed 9 more times: unhandled_exception' } },
    {
      head: opened('high'),
      says: { kind: 'incident.opened', count: 9, title: 'worker: 9 more incidents like "worker crashed"' },
    },
  ])('of what came again says how often: $says.kind', ({ head, says }) => {
    const fold = { head, seq: 1, more: 9, lastAt: head.at + 60_000 };
    const told = toNotification(summaryOf(fold), surroundings);
    expect(told).toMatchObject({
      ...says,
      id: `${letterOf(1, head).id}-more`,
      message: expect.stringContaining('within 1m'),
    });
    expect(told.last_at).toBe(new Date(head.at + 60_000).toISOString());
  });
});
