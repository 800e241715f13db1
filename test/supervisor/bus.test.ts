import { describe, expect, it } from 'vitest';
import { componentName, epochMs, type RecoveryEvent } from '../../src/model/index.ts';
import { createBus, type BusDeps } from '../../src/supervisor/bus.ts';

const MAIL = componentName('mail');
const held: RecoveryEvent = { type: 'component.held', component: MAIL, at: epochMs(1), by: 'person' };
const ticked: RecoveryEvent = { type: 'daemon.ticked', at: epochMs(2), durationMs: 1 };

function busForTest(deps: Partial<BusDeps> = {}) {
  const story: string[] = [];
  let seq = 0;
  const bus = createBus({
    store: {
      records: () => [],
      append: (events, records) => {
        story.push(`stored ${events.map(({ type }) => type).join(' ')} with ${records.length}`);
        return events.map(() => ++seq);
      },
    },
    incidents: { read: (events) => ({ events, changed: [] }) },
    project: ({ type }) => story.push(`projected ${type}`),
    now: () => epochMs(0),
    onError: (what, error) => story.push(`${what}: ${String(error)}`),
    ...deps,
  });
  return { bus, story };
}

describe('a fact', () => {
  it('is folded and stored in one piece before emit returns, and told afterwards', async () => {
    const { bus, story } = busForTest();
    bus.subscribe(({ type }, seq) => story.push(`told ${type} ${seq}`));
    bus.emit(held, ticked);
    expect(bus.record(MAIL).held).toBe(true);
    story.push('emit has returned');
    await Promise.resolve();
    expect(story).toEqual([
      'stored component.held daemon.ticked with 1',
      'projected component.held',
      'projected daemon.ticked',
      'emit has returned',
      'told component.held 1',
      'told daemon.ticked 2',
    ]);
  });

  it('that a listener states is told after the one it hears, to everybody in the same order', async () => {
    const { bus } = busForTest();
    const heard: string[] = [];
    bus.subscribe(({ type }) => type === 'component.held' && bus.emit(ticked));
    bus.subscribe(({ type }) => heard.push(type));
    bus.emit(held);
    await Promise.resolve();
    await Promise.resolve();
    expect(heard).toEqual(['component.held', 'daemon.ticked']);
  });

  it('reaches the others when a listener throws', async () => {
    const { bus, story } = busForTest();
    bus.subscribe(() => {
      throw new Error('broken');
    });
    bus.subscribe(({ type }) => story.push(`told ${type}`));
    bus.emit(ticked);
    await Promise.resolve();
    expect(story.slice(-2)).toEqual(['listener: Error: broken', 'told daemon.ticked']);
  });

  it('is known and told although the store cannot write', async () => {
    const store: BusDeps['store'] = {
      records: () => [],
      append: () => {
        throw new Error('disk full');
      },
    };
    const { bus, story } = busForTest({ store });
    bus.subscribe(({ type }, seq) => story.push(`told ${type} ${seq}`));
    bus.emit(held);
    await Promise.resolve();
    expect(bus.record(MAIL).held).toBe(true);
    expect(story).toEqual(['store: Error: disk full', 'projected component.held', 'told component.held null']);
  });
});
