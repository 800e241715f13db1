import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stt } from '../../../src/health/checks/stt.ts';
import { tts } from '../../../src/health/checks/tts.ts';
import { countMicrophones } from '../../../src/health/engine.ts';
import { tempFolder } from '../../support/temp.ts';
import { answer, expectAbsentAndSlow, runCheck, serve, site, type Page } from '../serve.ts';

const node = (script: string) => [process.execPath, '-e', script];
const asked = async (page: Page, options = {}) =>
  runCheck(tts, { url: `${await serve(site({ '/voices': page }))}/voices`, ...options });

describe('tts check', () => {
  it.each<[string, Page, object, string, string]>([
    ['a list of names', { voices: ['alloy', 'echo'] }, { voice: 'echo' }, 'healthy', 'lists 2 voices'],
    ['a list of voices', { voices: [{ voice_id: 'x1', name: 'Rachel' }] }, { voice: 'x1' }, 'healthy', 'lists 1 voice'],
    [
      'voices by name',
      { 'en_US-lessac-medium': { audio: {} } },
      { voice: 'en_US-lessac-medium' },
      'healthy',
      '1 voice',
    ],
    ['another voice', { voices: [{ voice_id: 'x1', name: 'Rachel' }] }, { voice: 'x' }, 'unhealthy', 'the voice "x"'],
    ['none', { voices: [] }, {}, 'unknown', 'lists no voice'],
    ['nothing', () => ({ status: 200, text: '' }), {}, 'unknown', 'does not list voices'],
    ['refused', answer(401), {}, 'unhealthy', '401'],
    ['too many requests', answer(429), {}, 'degraded', '429'],
    ['broken', answer(500), {}, 'unhealthy', '500'],
  ])('a page with %s', async (_, page, options, status, says) => {
    expect(await asked(page, options)).toMatchObject({ status, message: expect.stringContaining(says) });
  });

  it('takes the voices from a program as well', async () => {
    const list = node('console.log("Pty Language Voice\\n 5  en  english-us\\n 5  de  german")');
    const run = (options: object) => runCheck(tts, options);
    expect(await run({ command: list, voice: 'german' })).toMatchObject({ status: 'healthy' });
    expect(await run({ command: list, voice: 'germ' })).toMatchObject({ status: 'unhealthy' });
    expect(await run({ command: node('') })).toMatchObject({ status: 'unknown' });
    expect(await run({ command: node('console.error("no audio"); process.exit(3)') })).toMatchObject({
      status: 'unhealthy',
      message: expect.stringContaining('exit 3: no audio'),
    });
    expect(await run({ command: ['/no/such/engine'] })).toMatchObject({ status: 'unhealthy' });
  });

  it('wants to know whom to ask', () => {
    expect(tts.options.safeParse({}).success).toBe(false);
    expect(tts.options.safeParse({ url: 'http://127.0.0.1:1/', command: ['x'] }).success).toBe(false);
  });

  it('is unhealthy when nobody answers, or not in time', () => expectAbsentAndSlow(tts, (url) => ({ url })));
});

describe('stt check', () => {
  it('is healthy while the engine lists its models', async () => {
    const url = `${await serve(site({ '/v1/models': { data: [{ id: 'whisper-1' }] }, '/empty': { data: [] } }))}/v1/models`;
    expect(await runCheck(stt, { url, model: 'whisper-1' })).toMatchObject({ status: 'healthy' });
    expect(await runCheck(stt, { url, model: 'whisper-2' })).toMatchObject({ status: 'unhealthy' });
    expect(await runCheck(stt, { url: url.replace('/v1/models', '/empty') })).toMatchObject({ status: 'unknown' });
  });

  it('looks for a microphone when told to', async () => {
    const told = await runCheck(stt, { command: node('console.log("base")'), microphone: true });
    const status = { null: 'unknown', 0: 'unhealthy' }[String(countMicrophones())] ?? 'healthy';
    expect(told.status).toBe(status);
  });

  it('tells sound devices that record from those that only play', () => {
    const folder = tempFolder();
    expect(countMicrophones(folder)).toBeNull();
    writeFileSync(join(folder, 'pcm'), '00-03: HDMI 0 : HDMI 0 : playback 1\n');
    expect(countMicrophones(folder)).toBe(0);
    writeFileSync(join(folder, 'pcm'), '00-00: ALC : ALC : playback 1 : capture 1\n01-00: USB : USB : capture 1\n');
    expect(countMicrophones(folder)).toBe(2);
  });

  it('is unhealthy when nobody answers, or not in time', () => expectAbsentAndSlow(stt, (url) => ({ url })));
});
