import { describe, expect, it } from 'vitest';
import { datedId, randomHex, sameSecret, sha256 } from '../../src/digest.ts';

describe('random hex', () => {
  it('is as long as asked for and never the same twice, also beyond what is drawn at once', () => {
    const drawn = Array.from({ length: 1_000 }, () => randomHex(16));
    expect(drawn.every((text) => /^[0-9a-f]{32}$/.test(text))).toBe(true);
    expect(new Set(drawn).size).toBe(1_000);
  });
});

describe('a dated id', () => {
  it('tells its kind and its second in UTC', () => {
    expect(datedId('CRASH', Date.UTC(2026, 10, 23, 22, 46, 10, 999))).toMatch(/^CRASH-20261123-224610-[0-9A-F]{8}$/);
  });
});

describe('dated ids of one second', () => {
  it('are all different, and come one after the other', () => {
    const at = Date.UTC(2026, 10, 23, 22, 46, 10);
    const ids = Array.from({ length: 1_000 }, (_, ms) => datedId('CP', at + (ms % 1_000)));
    expect(new Set(ids).size).toBe(1_000);
    // Once in four thousand million it begins anew in between.
    expect(ids.filter((id, index) => id < (ids[index - 1] ?? '')).length).toBeLessThanOrEqual(1);
    expect(datedId('CP', at + 1_000)).toContain('-224611-');
    expect(datedId('CP', at)).toContain('-224610-');
  });
});

describe('secrets', () => {
  it('are the same or not, whatever their lengths', () => {
    expect(sameSecret('abc', 'abc')).toBe(true);
    expect(sameSecret('abc', 'abd')).toBe(false);
    expect(sameSecret('', 'abc')).toBe(false);
  });
});

describe('SHA-256', () => {
  it('is the published one', () => {
    expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});
