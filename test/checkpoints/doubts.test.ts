import { describe, expect, it } from 'vitest';
import { createDoubts, poisoned, type Suspicion } from '../../src/checkpoints/doubts.ts';
import {
  componentName,
  epochMs,
  type CheckpointId,
  type CrashId,
  type CrashType,
  type EventOf,
  type IncarnationId,
  type RecoveryEvent,
  type RecoveryId,
} from '../../src/model/index.ts';

const MAIL = componentName('mail');
const policy = { poisoned_after: 2, soonMs: 1_000 };
const A = 'CP-A' as CheckpointId;
const B = 'CP-B' as CheckpointId;

describe('a checkpoint', () => {
  const crash = (text: string): Suspicion => {
    const [checkpoint, signature, afterMs] = text.split(' ') as [CheckpointId, string, string];
    return { checkpoint, signature, afterMs: Number(afterMs) };
  };
  it.each([
    { crashes: [], becomes: [] },
    { crashes: ['CP-A x 10'], becomes: [] },
    { crashes: ['CP-A x 10', 'CP-A x 20'], becomes: [A] },
    { crashes: ['CP-A x 10', 'CP-A x 999'], becomes: [A] },
    { crashes: ['CP-A x 10', 'CP-A x 1000'], becomes: [] },
    { crashes: ['CP-A x 10', 'CP-A y 10'], becomes: [] },
    { crashes: ['CP-A x 10', 'CP-A y 10', 'CP-A x 10'], becomes: [A] },
    { crashes: ['CP-A x 10', 'CP-B x 10'], becomes: [] },
    { crashes: ['CP-A x 10', 'CP-B x 10', 'CP-B x 10', 'CP-A x 10'], becomes: [B, A] },
  ])('after $crashes is poisoned: $becomes', ({ crashes, becomes }) => {
    expect([...poisoned(crashes.map(crash), policy)]).toEqual(becomes);
  });

  it('needs as many crashes as the policy says, and none is enough for 0', () => {
    const crashes = ['CP-A x 1', 'CP-A x 1', 'CP-A x 1'].map(crash);
    expect([...poisoned(crashes, { ...policy, poisoned_after: 3 })]).toEqual([A]);
    expect([...poisoned(crashes, { ...policy, poisoned_after: 4 })]).toEqual([]);
    expect([...poisoned(crashes, { ...policy, poisoned_after: 0 })]).toEqual([]);
  });
});

describe('what is read of a component', () => {
  let at = 0;
  const restored = (checkpoint: CheckpointId | null): EventOf<'checkpoint.restored'> => ({
    type: 'checkpoint.restored',
    component: MAIL,
    at: epochMs((at += 10)),
    checkpoint,
    source: 'latest',
    outcome: 'success',
    entriesReplayed: 0,
    dataLossMs: 0,
    checkpointsLost: 0,
  });
  const starting = (): RecoveryEvent => ({
    type: 'component.starting',
    component: MAIL,
    at: epochMs((at += 10)),
    incarnation: 'a' as IncarnationId,
    reason: 'crash',
    attempt: 1,
  });
  const crashed = (
    given: { crashType?: CrashType; code?: number | null; errorType?: string } = {},
  ): EventOf<'component.crashed'> => ({
    type: 'component.crashed',
    component: MAIL,
    at: epochMs((at += 10)),
    incarnation: 'a' as IncarnationId,
    crash: 'CRASH-1' as CrashId,
    crashType: given.crashType ?? 'unhandled_exception',
    severity: 'medium',
    errorType: given.errorType ?? 'Error',
    exit: { code: given.code ?? null, signal: null },
    uptimeMs: 10,
    signature: 'x',
  });
  const doubted = (...events: RecoveryEvent[]) => {
    const doubts = createDoubts();
    for (const event of events) doubts.read(event);
    return [...doubts.of(MAIL, policy)];
  };
  const life = (checkpoint: CheckpointId | null, end = crashed()) => [starting(), restored(checkpoint), end];

  it('puts into doubt what two lives were given that crashed alike', () => {
    expect(doubted(...life(A), ...life(A))).toEqual([A]);
    expect(doubted(...life(A), ...life(B))).toEqual([]);
  });

  it('holds nothing against what a life did not ask for', () => {
    expect(doubted(...life(A), starting(), crashed(), starting(), crashed())).toEqual([]);
    expect(doubted(...life(null), ...life(null))).toEqual([]);
  });

  it.each([
    { crashType: 'external_termination' },
    { crashType: 'unknown', errorType: 'exit_unknown' },
    { crashType: 'unknown', errorType: 'exit_0', code: 0 },
  ] as const)('leaves out an end that was no fault of its own: $crashType $errorType', (given) => {
    expect(doubted(...life(A, crashed(given)), ...life(A, crashed(given)))).toEqual([]);
  });

  it.each(['supervisor', 'webhook'] as const)('is not forgotten when a %s lets it run again', (by) => {
    const released: RecoveryEvent = { type: 'component.released', component: MAIL, at: epochMs(at), by };
    expect(doubted(...life(A), ...life(A), released)).toEqual([A]);
  });

  it.each(['component.released', 'component.removed'] as const)('is forgotten with %s', (type) => {
    const forgotten = { type, component: MAIL, at: epochMs(at), by: 'person' } as RecoveryEvent;
    expect(doubted(...life(A), ...life(A), forgotten)).toEqual([]);
    expect(doubted(...life(A), forgotten, ...life(A))).toEqual([]);
  });

  it.each([
    ['person', 'restart', []],
    ['person', 'none', [A]],
    ['webhook', 'restart', [A]],
  ] as const)('is forgotten when a person goes back to it: %s, %s', (by, how, expected) => {
    const recovered: RecoveryEvent = {
      type: 'system.recovered',
      at: epochMs(at),
      recovery: 'REC-1' as RecoveryId,
      mode: 'full',
      by,
      outcome: 'success',
      points: [{ component: MAIL, checkpoint: A, dataLossMs: 0, how, why: null }],
    };
    const more = [...life(B), ...life(B)];
    expect(doubted(...life(A), ...life(A), recovered)).toEqual(expected);
    expect(doubted(...more, recovered)).toEqual([B]);
  });
});
