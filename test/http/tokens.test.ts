import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createTokens } from '../../src/http/index.ts';
import { componentName, type IncarnationId } from '../../src/model/index.ts';
import { tempFolder } from '../support/temp.ts';

const gmail = componentName('gmail');
const incarnation = '0123456789abcdef0123456789abcdef' as IncarnationId;
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe('tokens of a state folder', () => {
  it('are made at the first start, 256 bits each, for this user only', () => {
    const folder = join(tempFolder(), 'tokens');
    const tokens = createTokens(folder);

    expect(mode(folder)).toBe('700');
    expect(readdirSync(folder).toSorted()).toEqual(['api.token', 'component.key', 'metrics.token', 'webhook.token']);
    for (const file of readdirSync(folder)) expect(mode(join(folder, file))).toBe('600');
    for (const token of [tokens.api, tokens.webhook, tokens.metrics]) expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set([tokens.api, tokens.webhook, tokens.metrics]).size).toBe(3);
    expect(readFileSync(join(folder, 'api.token'), 'utf8').trim()).toBe(tokens.api);
  });

  it('close a folder that others could read', () => {
    const folder = tempFolder();
    chmodSync(folder, 0o755);
    createTokens(folder);

    expect(mode(folder)).toBe('700');
  });

  it('stay the same at every later start', () => {
    const folder = tempFolder();
    const [first, second] = [createTokens(folder), createTokens(folder)];

    expect(second.api).toBe(first.api);
    expect(second.componentToken(gmail, incarnation)).toBe(first.componentToken(gmail, incarnation));
  });

  it('may be brought by a person, and are closed to others then', () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'webhook.token'), `${'w'.repeat(40)}\n`, { mode: 0o644 });

    expect(createTokens(folder).webhook).toBe('w'.repeat(40));
    expect(mode(join(folder, 'webhook.token'))).toBe('600');
  });

  it('are made anew when a power cut left an empty file', () => {
    const folder = tempFolder();
    writeFileSync(join(folder, 'api.token'), '');

    expect(createTokens(folder).api).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    { file: 'api.token', content: 'short', why: /api\.token holds no token/ },
    { file: 'api.token', content: '\n', why: /api\.token holds no token/ },
    { file: 'metrics.token', content: `${'x'.repeat(40)} ${'y'.repeat(40)}`, why: /metrics\.token holds no token/ },
    { file: 'component.key', content: 'short', why: /component\.key is not 32 bytes long/ },
  ])('are refused with what to do when $file holds something else', ({ file, content, why }) => {
    const folder = tempFolder();
    writeFileSync(join(folder, file), content);

    expect(() => createTokens(folder)).toThrow(expect.objectContaining({ code: 'STATE_DIR_UNUSABLE' }));
    expect(() => createTokens(folder)).toThrow(why);
  });

  it('say which folder cannot be used', () => {
    const file = join(tempFolder(), 'file');
    writeFileSync(file, '');

    expect(() => createTokens(join(file, 'tokens'))).toThrow(expect.objectContaining({ code: 'STATE_DIR_UNUSABLE' }));
  });
});

describe('a component token', () => {
  const parent = mkdtempSync(join(tmpdir(), 'paramedic-test-'));
  afterAll(() => rmSync(parent, { recursive: true }));
  const tokens = createTokens(join(parent, 'ours'));
  const token = tokens.componentToken(gmail, incarnation);

  it('names its component and incarnation', () => {
    expect(tokens.readComponentToken(token)).toEqual({ component: gmail, incarnation });
  });

  it.each([
    ['of another component', token.replace('gmail', 'twilio')],
    ['of another incarnation', token.replace('.0123', '.1123')],
    ['with another signature', token.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
    ['cut short', token.slice(0, -1)],
    ['of another state folder', createTokens(join(parent, 'theirs')).componentToken(gmail, incarnation)],
    ['empty', ''],
    ['the API token', tokens.api],
  ])('%s is not one of ours', (_, forged) => {
    expect(tokens.readComponentToken(forged)).toBeUndefined();
  });
});
