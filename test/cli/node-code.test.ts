import { expect, it } from 'vitest';
import { until } from '../support/temp.ts';
import { project, start } from './support.ts';

it('a start takes the compiled code that Node brings along, in both threads', async () => {
  const { child, output } = start(['start'], project('listen: 127.0.0.1:0'), { NODE_DEBUG_NATIVE: 'code_cache' });
  await until('its banner', () => output().stdout.includes('supervises'));
  child.kill('SIGTERM');
  const told = [...output().stderr.matchAll(/Code cache of (\S+) .*is (accepted|rejected)/g)];
  const wanted = ['internal/main/worker_thread', 'worker_threads', 'child_process', 'crypto', 'zlib', '_http_server'];
  const of = (outcome: string) => told.filter((one) => one[2] === outcome).map(([, name]) => name);
  expect(of('accepted')).toEqual(expect.arrayContaining(wanted));
  expect(of('rejected').filter((name) => wanted.includes(name ?? ''))).toEqual([]);
});
