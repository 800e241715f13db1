import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { browser, countProcesses } from '../../../src/health/checks/browser.ts';
import { tempFolder } from '../../support/temp.ts';
import { answer, expectAbsentAndSlow, runCheck, serve, site, type Page } from '../serve.ts';

const status = (ready: unknown, message = '') => ({ value: { ready, message } });

describe('browser check', () => {
  it.each<[string, Page, string, string]>([
    ['ready', status(true), 'healthy', 'is ready'],
    ['in use', status(false, 'Session already started'), 'healthy', 'in use: Session already started'],
    ['without a browser', status(false, 'no nodes'), 'degraded', 'not ready: no nodes'],
    ['saying nothing', {}, 'unknown', 'does not say whether it is ready'],
    ['broken', answer(500), 'unhealthy', 'answered 500'],
  ])('asks a WebDriver that is %s', async (_, page, expected, says) => {
    const webdriver_url = await serve(site({ '/status': page }));
    expect(await runCheck(browser, { webdriver_url })).toMatchObject({
      status: expected,
      message: expect.stringContaining(says),
    });
  });

  it.each<[string, Page, string, string]>([
    ['answers', { Browser: 'Chrome/140.0', webSocketDebuggerUrl: 'ws://x' }, 'healthy', 'Chrome/140.0 answered'],
    ['says nothing', {}, 'unknown', 'without a browser'],
    ['is broken', answer(500), 'unhealthy', 'answered 500'],
  ])('asks a browser that %s over the DevTools protocol', async (_, page, expected, says) => {
    const cdp_url = await serve(site({ '/json/version': page }));
    expect(await runCheck(browser, { cdp_url })).toMatchObject({
      status: expected,
      message: expect.stringContaining(says),
    });
  });

  it('tells the worst of all that it is asked to look at', async () => {
    const url = await serve(site({ '/status': status(false, 'x'), '/json/version': answer(503) }));
    expect(await runCheck(browser, { webdriver_url: url, cdp_url: url })).toMatchObject({ status: 'unhealthy' });
    const own = await serve(site({ '/status': status(true) }));
    expect(await runCheck(browser, { webdriver_url: own, processes: ['node', 'mainthread'] })).toMatchObject({
      status: process.platform === 'linux' ? 'healthy' : 'unknown',
    });
  });

  it.skipIf(process.platform !== 'linux')('looks for processes', async () => {
    expect(await runCheck(browser, { processes: ['no-such-browser'] })).toMatchObject({
      status: 'unhealthy',
      message: 'no browser process',
    });
    const proc = tempFolder();
    for (const [pid, comm] of [
      ['1', 'init'],
      ['20', 'chromium'],
      ['21', 'Chrome_ChildIO'],
      ['22', 'firefox-bin'],
    ] as const) {
      mkdirSync(join(proc, pid));
      writeFileSync(join(proc, pid, 'comm'), `${comm}\n`);
    }
    mkdirSync(join(proc, '30'));
    expect(countProcesses(['chrom', 'firefox'], proc)).toBe(3);
    expect(countProcesses(['chrom'], join(proc, 'nowhere'))).toBeNull();
  });

  it('is unhealthy when nobody answers, or not in time', async () => {
    await expectAbsentAndSlow(browser, (webdriver_url) => ({ webdriver_url }));
    await expectAbsentAndSlow(browser, (cdp_url) => ({ cdp_url }));
  });
});
