import { describe, expect, it } from 'vitest';
import type { ExplainView } from '../../src/supervisor/api.ts';
import { Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

const LONG = 120_000;
const eager = { policy: 'immediate', max_restarts: 2 };
/** Counts its starts; its second life is no good for those that lean on it, though it looks well. */
const db = {
  command: ['sh', '-c', 'echo $(( $(cat life || echo 0) + 1 )) > life; exec sleep 1000'],
  restart: { policy: 'immediate', max_restarts: 10 },
};
const app = (more: Record<string, unknown> = {}) => ({
  command: ['sh', '-c', 'test "$(cat life)" = 2 && exit 3; exec sleep 1000'],
  restart: eager,
  ...more,
});

async function killDb(site: Site): Promise<void> {
  await site.untilState('app', 'running');
  const { pid } = await site.component('db');
  process.kill(pid!, 'SIGKILL');
  await site.untilState('db', 'running', pid);
}

describe('a component that keeps failing because of what it depends on', () => {
  it('waits for its dependency to be restarted, and has another try', { timeout: LONG }, async () => {
    const site = new Site({ components: { db, app: app({ depends_on: ['db'] }) } });
    await site.start();
    await killDb(site);
    await until('the third life', () => site.read('life') === '3\n', LONG);
    await until('the end of all recoveries', async () => {
      const count = async (type: string) => (await site.events(type)).length;
      return (await count('recovery.started')) === (await count('recovery.finished'));
    });
    const recovered = await site.untilState('app', 'running');
    const decided = (await site.events('restart.decided')).filter(({ component }) => component === 'app');
    expect(decided.map(({ reason, decision }) => [reason, (decision as { kind: string }).kind])).toEqual([
      ['dependency', 'restart'],
      ['crash', 'restart'],
      ['crash', 'restart'],
      ['crash', 'blame'],
      ['dependency', 'restart'],
    ]);
    expect(decided[3]!['decision']).toMatchObject({ rule: 'budget', dependency: 'db' });
    expect(recovered.restart_budget).toMatchObject({ used: 2, limit: 2 });

    // It was blamed just now: another time within the window it is not.
    const explained = (await site.api('GET', 'components/app/explain')).body as ExplainView;
    expect(explained.if_it_crashed_now).toMatchObject({ kind: 'fail', rule: 'budget' });
  });

  it('(control) fails when nobody knows that it depends on it', { timeout: LONG }, async () => {
    const site = new Site({ components: { db, app: app() } });
    await site.start();
    await killDb(site);
    await site.api('POST', 'components/app/restart');
    await site.untilState('app', 'failed', undefined, LONG);
    expect(site.read('life')).toBe('2\n');
  });
});
