import { expect, it } from 'vitest';
import { createDegradation } from '../../src/degradation/index.ts';
import { degradationSchema } from '../../src/degradation/schema.ts';
import { componentName, type RecoveryEvent } from '../../src/model/index.ts';
import type { Commands } from '../../src/supervisor/commands.ts';
import { announceDegradation } from '../../src/supervisor/degradation-news.ts';
import { calmHouse } from '../support/calm-house.ts';
import { FakeClock } from '../support/fake-clock.ts';

it('components hear of a change once, whole, also when only a reason or a fallback is another', () => {
  const clock = new FakeClock();
  const told: unknown[] = [];
  const events: RecoveryEvent[] = [];
  const degradation = createDegradation({
    clock,
    emit: (...stated) => void events.push(...stated),
    ...calmHouse,
  });
  const provider = { enabled: true, priority: 'high' as const, features: ['speech', 'reading'] };
  const configure = (message: string) =>
    degradation.configure({
      components: { one: provider, two: provider },
      degradation: degradationSchema.parse({ features: { speech: { fallback: { message } } } }),
    });
  configure('text only');
  const announce = (kind: string, data: unknown) => told.push([kind, data]);
  const hear = announceDegradation({ commands: { announce } as unknown as Commands, degradation });
  const state = (...stated: RecoveryEvent[]) => {
    for (const event of [...degradation.follow(stated), ...events.splice(0)]) hear(event, null);
    return told.splice(0);
  };
  const failed = (name: string): RecoveryEvent => {
    return { type: 'component.failed', component: componentName(name), at: clock.now(), rule: 'budget', why: '' };
  };
  const speech = (change: object) => ({ features: { speech: { enabled: false, ...change } } });

  expect(state({ type: 'daemon.ticked', at: clock.now(), durationMs: 1 })).toEqual([]);
  expect(state(failed('two'))).toMatchObject([['degradation', speech({ reason: 'its component two has failed' })]]);
  expect(state(failed('one'))).toMatchObject([['degradation', speech({ reason: 'its component one has failed' })]]);
  configure('no voice');
  expect(
    state({ type: 'config.reloaded', at: clock.now(), added: [], removed: [], changed: [], daemonRestartNeeded: [] }),
  ).toMatchObject([['degradation', speech({ fallback: { message: 'no voice' } })]]);
  degradation.pin('emergency', 'manual', null);
  expect(state()).toMatchObject([['degradation', { level: 'emergency' }]]);
});
