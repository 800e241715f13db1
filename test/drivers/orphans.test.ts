import { expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { nodeLauncher } from '../../src/drivers/launcher.ts';
import { reapOrphans } from '../../src/drivers/orphans.ts';

it('says at once that orphans cannot be waited for where only Node makes processes', () => {
  const said: string[] = [];
  const onProblem = (what: string, error: unknown) => said.push(`${what}: ${String(error)}`);
  const end = reapOrphans({ launcher: nodeLauncher(() => {}), clock: systemClock, onProblem });
  end();
  expect(said).toEqual([expect.stringMatching(/^this is PID 1: .*run it with an init \(docker run --init, tini\)$/)]);
});
