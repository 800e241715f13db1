import { createDegradation, type DegradationDeps, type NetworkReading } from '../../src/degradation/index.ts';
import { degradationSchema } from '../../src/degradation/schema.ts';
import { componentName, type RecoveryEvent } from '../../src/model/index.ts';
import { calmHouse } from '../support/calm-house.ts';
import { FakeClock } from '../support/fake-clock.ts';

export const tts = componentName('tts');
export const standard = {
  features: {
    planning: { priority: 'critical' },
    writing: { depends_on: ['planning'] },
    speech: { priority: 'low', fallback: { message: 'text only' } },
  },
};
export const components = { tts: { enabled: true, priority: 'low' as const, features: ['speech'] } };

/** What is told, switched and run, around a clock and readings that are the test's. */
export function begin(
  given: Partial<DegradationDeps> & { text?: Record<string, unknown> | null; clock?: FakeClock; begin?: boolean } = {},
) {
  const { text = standard, clock = new FakeClock() } = given;
  const events: RecoveryEvent[] = [];
  const found = { cpu: 0.1 as number | null, memory: 0.1 as number | null, network: null as NetworkReading | null };
  const ran: string[] = [];
  const degradation = createDegradation({
    clock,
    emit: (...stated) => void events.push(...stated),
    ...calmHouse,
    clean: false,
    read: () => found,
    run: async (command, _timeoutMs, env) => {
      ran.push(`${command.join(' ')} ${env['PARAMEDIC_FEATURE']}`);
      return { code: command[0] === 'false' ? 1 : 0, stdout: 'said\n', stderr: '' };
    },
    ...given,
  });
  const configure = (next: Record<string, unknown> | null) =>
    degradation.configure({ components, ...(next && { degradation: degradationSchema.parse(next) }) });
  configure(text);
  if (given.begin ?? true) degradation.begin();
  const levels = () =>
    events.flatMap((event) =>
      event.type === 'degradation.level_changed' ? [`${event.from}→${event.to} ${event.trigger}`] : [],
    );
  const switched = () =>
    events.flatMap((event) =>
      event.type === 'degradation.feature_changed' ? [`${event.enabled ? '+' : '-'}${event.feature}`] : [],
    );
  return { clock, degradation, configure, events, found, ran, levels, switched };
}
