import { createTracer, openOtlp, type Tracer } from '../telemetry/index.ts';
import type { House } from './house.ts';
import { objectivesOf } from './objectives.ts';

/**
 * The tracer of a house whose configuration names a collector; null: there is none, and nothing of it is loaded.
 * What keeps traces from being drawn keeps nothing else from happening.
 */
export function openTracer(house: House, onError: (what: string, error: unknown) => void): Tracer | null {
  const { clock, store, bus, roster, version } = house;
  const { otlp, traces } = house.loaded.config.telemetry;
  if (!otlp) return null;
  const open = () =>
    createTracer({
      clock,
      store,
      emit: bus.emit,
      traces,
      facts(component) {
        const config = roster.find(component)?.config;
        if (!config) return null;
        const { priority, restart } = config;
        return { kind: 'process', priority, objectives: objectivesOf(config), budget: restart.max_restarts };
      },
      openSink: () => openOtlp({ otlp, version, instance: new URL(house.url).host }),
      onTrouble: (why) => onError('traces', new Error(`${otlp.endpoint} does not take them, they wait: ${why}`)),
    });
  try {
    return open();
  } catch (error) {
    onError('traces', error);
    return null;
  }
}
