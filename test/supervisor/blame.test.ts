import { describe, expect, it, onTestFinished } from 'vitest';
import type { ComponentName } from '../../src/model/index.ts';
import { configure, fakeHouse, wished } from './fake-house.ts';

/** `app` has no restart left as soon as it crashes; `db` is only watched, never restarted for its health. */
function houseOf(db: object = {}) {
  wished.clear();
  const common = { start: { timeout: '10s', period: '5s' } };
  const components = {
    db: { command: ['db'], priority: 'high', ...common, ...db },
    app: { command: ['app'], priority: 'high', depends_on: ['db'], ...common, restart: { max_restarts: 0 } },
  };
  const fake = fakeHouse(configure({ components }, ['db'], 'none'), () => 0.5);
  onTestFinished(fake.close);
  return fake;
}
const kill = ({ driver }: ReturnType<typeof houseOf>, name: string) =>
  driver.alive(name as ComponentName).forEach((process) => process.end({ code: 1, signal: null }));
const decisions = ({ events }: ReturnType<typeof houseOf>, name: string) =>
  events.flatMap((event) =>
    event.type === 'restart.decided' && event.component === name ? [event.decision.kind] : [],
  );

describe('a component whose dependency is unhealthy', () => {
  it('waits while that is restarted, and comes back uncounted', async () => {
    const fake = houseOf({ restart: { policy: 'delayed', initial_delay: '20s', jitter: 0 } });
    await fake.clock.advance(10_000);
    wished.set('db', 'unhealthy');
    await fake.clock.advance(10_000);
    kill(fake, 'app');
    await fake.clock.advance(1_000);
    expect(fake.record('app').state).toMatchObject({ is: 'backoff', until: null });
    expect(decisions(fake, 'db')).toEqual(['restart']);
    wished.clear();
    await fake.clock.advance(40_000);
    expect(fake.record('app')).toMatchObject({ state: { is: 'running' }, recovery: null });
    expect(decisions(fake, 'app')).toEqual(['blame', 'restart']);
    expect(fake.problems).toEqual([]);
  });

  it('fails when that fails', async () => {
    const fake = houseOf({ restart: { policy: 'immediate', max_restarts: 1 } });
    await fake.clock.advance(10_000);
    wished.set('db', 'unhealthy');
    await fake.clock.advance(10_000);
    fake.driver.fate = (name) => (name === ('db' as ComponentName) ? { endsAfter: 10 } : {});
    kill(fake, 'app');
    await fake.clock.advance(60_000);
    expect(fake.record('db').state.is).toBe('failed');
    expect(fake.record('app').state).toMatchObject({ is: 'failed' });
    expect(decisions(fake, 'app')).toEqual(['blame', 'fail']);
  });

  it('fails when a person stops that meanwhile', async () => {
    const fake = houseOf({ restart: { policy: 'delayed', initial_delay: '20s', jitter: 0 } });
    await fake.clock.advance(10_000);
    wished.set('db', 'unhealthy');
    await fake.clock.advance(10_000);
    kill(fake, 'app');
    await fake.clock.advance(5_000);
    await fake.actor.stop('db', 'person');
    await fake.clock.advance(1_000);
    expect(fake.record('app').state.is).toBe('failed');
  });

  it('fails at once when nobody may restart that', async () => {
    const fake = houseOf({ restart: { policy: 'manual_only' } });
    await fake.clock.advance(10_000);
    wished.set('db', 'unhealthy');
    await fake.clock.advance(10_000);
    kill(fake, 'app');
    await fake.clock.advance(1_000);
    expect(decisions(fake, 'app')).toEqual(['fail']);
    expect(decisions(fake, 'db')).toEqual([]);
  });
});
