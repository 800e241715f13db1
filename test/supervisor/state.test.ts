import { describe, expect, it } from 'vitest';
import {
  componentName,
  epochMs,
  type ComponentEvent,
  type ComponentRecord,
  type CrashId,
  type HealthStatus,
  type IncarnationId,
  type RecoveryId,
} from '../../src/model/index.ts';
import { fold, isUp, newRecord, processOf, stateName } from '../../src/supervisor/state.ts';

const MAIL = componentName('mail');
const [first, second] = ['a'.repeat(32) as IncarnationId, 'b'.repeat(32) as IncarnationId];
const process = { pid: 4711, startTime: 100, bootId: 'boot' };
let clock = 0;
const about = () => ({ component: MAIL, at: epochMs(++clock) });

const starting = (incarnation = first): ComponentEvent => ({
  type: 'component.starting',
  ...about(),
  incarnation,
  reason: 'boot',
  attempt: 0,
});
const started = (incarnation = first): ComponentEvent => ({
  type: 'component.started',
  ...about(),
  incarnation,
  process,
});
const ready = (incarnation = first): ComponentEvent => ({
  type: 'component.ready',
  ...about(),
  incarnation,
  startupMs: 5,
  checks: [],
});
const crashed = (incarnation = first): ComponentEvent => ({
  type: 'component.crashed',
  ...about(),
  incarnation,
  crash: 'CRASH-20261123-224610-1A2B3C4D' as CrashId,
  crashType: 'unknown',
  severity: 'high',
  errorType: 'exit_1',
  exit: { code: 1, signal: null },
  uptimeMs: 10,
  signature: 'x',
});
const decided = (
  decision: Extract<ComponentEvent, { type: 'restart.decided' }>['decision'],
  counted = true,
): ComponentEvent => ({
  type: 'restart.decided',
  ...about(),
  reason: 'crash',
  by: 'supervisor',
  decision,
  counted,
});
const health = (to: HealthStatus): ComponentEvent => ({
  type: 'component.health_changed',
  ...about(),
  from: 'healthy',
  to,
  why: '',
});

const after = (...events: ComponentEvent[]): ComponentRecord => events.reduce(fold, newRecord(MAIL, epochMs(0)));

describe('a component', () => {
  it('is not running before it is verified healthy', () => {
    expect(stateName(after(starting(), started()).state)).toBe('starting');
    expect(stateName(after(starting(), started(), ready()).state)).toBe('running');
  });

  it('has no process between the decision to start and the spawn', () => {
    expect(processOf(after(starting()).state)).toBeNull();
    expect(processOf(after(starting(), started()).state)).toEqual(process);
  });

  it.each([
    { to: 'healthy', name: 'running', up: true },
    { to: 'degraded', name: 'degraded', up: true },
    { to: 'unknown', name: 'degraded', up: true },
    { to: 'unhealthy', name: 'unhealthy', up: false },
    { to: 'critical', name: 'unhealthy', up: false },
  ] as const)('that runs and is $to is $name', ({ to, name, up }) => {
    const { state } = after(starting(), started(), ready(), health(to));
    expect(stateName(state)).toBe(name);
    expect(isUp(state)).toBe(up);
  });

  it('waits out its backoff and counts its attempts, but not those that do not count', () => {
    const restart = { kind: 'restart', rule: 'delayed', delayMs: 500, attempt: 3 } as const;
    const record = after(starting(), started(), ready(), crashed(), decided(restart));
    expect(record).toMatchObject({
      attempts: 3,
      totalRestarts: 1,
      crashes: 1,
      state: { is: 'backoff', until: clock + 500 },
    });
    expect(after(starting(), started(), ready(), crashed(), decided(restart, false))).toMatchObject({
      attempts: 0,
      totalRestarts: 1,
    });
  });

  it('goes on living while a restart of it is decided or has to wait', () => {
    const alive = [starting(), started(), ready()];
    expect(after(...alive, decided({ kind: 'restart', rule: 'x', delayMs: 5, attempt: 1 })).state.is).toBe('running');
    expect(after(...alive, decided({ kind: 'wait', rule: 'x', until: null, why: '' })).state.is).toBe('running');
    expect(after(...alive, decided({ kind: 'refuse', rule: 'x', why: '' })).state.is).toBe('running');
  });

  it('that was decided to stay down stays so over a death of the daemon; one between two lives does not', () => {
    const down = [starting(), started(), ready(), crashed()];
    expect(after(...down, decided({ kind: 'stay', rule: 'x', why: 'done' })).state).toMatchObject({
      is: 'stopped',
      settled: true,
    });
    expect(after(...down).state).toMatchObject({ is: 'stopped', settled: false });
  });

  it('that a person holds leaves its backoff', () => {
    const waiting = [starting(), started(), crashed(), decided({ kind: 'restart', rule: 'x', delayMs: 5, attempt: 1 })];
    const held = after(...waiting, { type: 'component.held', ...about(), by: 'person' });
    expect(held).toMatchObject({ held: true, state: { is: 'stopped', settled: true } });
    expect(fold(held, { type: 'component.released', ...about(), by: 'person' })).toMatchObject({
      held: false,
      attempts: 0,
    });
  });

  it('is adopted as it was, or as a start not yet verified when nobody knows', () => {
    const adopt = (incarnation: IncarnationId): ComponentEvent => ({
      type: 'component.adopted',
      ...about(),
      incarnation,
      process,
    });
    expect(after(starting(), started(), ready(), adopt(first)).state).toMatchObject({
      is: 'running',
      incarnation: first,
    });
    expect(after(starting(), adopt(first)).state).toMatchObject({ is: 'starting', process });
    expect(after(adopt(second)).state).toMatchObject({ is: 'starting', incarnation: second, process });
  });

  it('has one recovery at a time, remembered until it ends', () => {
    const recovery = 'c'.repeat(32) as RecoveryId;
    const open = after({ type: 'recovery.started', ...about(), recovery, reason: 'crash', detectedAt: epochMs(1) });
    expect(open.recovery).toEqual({ id: recovery, reason: 'crash', detectedAt: 1 });
    const phases = { detectMs: 0, decideMs: 0, actMs: 0, verifyMs: 0 };
    const over: ComponentEvent = {
      type: 'recovery.finished',
      ...about(),
      recovery,
      reason: 'crash',
      outcome: 'recovered',
      durationMs: 1,
      phases,
    };
    expect(fold(open, over).recovery).toBeNull();
  });
});
