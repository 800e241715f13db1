import { expect, it } from 'vitest';
import { Site } from '../support/daemon.ts';
import { until } from '../support/temp.ts';

it('a job tells that it has run, and a daemon that was killed still knows', async () => {
  const backup = { ping: { token: '${BACKUP_PING}' }, interval: '100ms', action: 'none' };
  const site = new Site({ host: { checks: { backup } } });
  const token = 'only-the-backup-knows-me';
  const env = { BACKUP_PING: token };
  const told = async () => (await (await fetch(`${site.url}/healthz?verbose`)).text()).trim();
  await site.start([], env);
  await until('the check to wait', async () => (await told()).includes('no ping yet'));
  expect((await fetch(`${site.url}/ping/${token}/7`)).status).toBe(200);
  await until('the failure', async () => (await told()).includes('the last run failed with exit code 7'));
  expect(JSON.stringify(await site.events())).not.toContain(token);
  await site.end('SIGKILL');
  await site.start([], env);
  await until('what was told before', async () => (await told()).includes('the last run failed with exit code 7'));
  expect((await fetch(`${site.url}/ping/${token}`)).status).toBe(200);
  await until('the success', async () => (await told()).includes('host healthy'));
});
