import { describe, expect, it } from 'vitest';
import { formatDuration, formatSize, parseDuration, parseRatio, parseSize } from '../../src/units.ts';

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['5s', 5_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    [30, 30_000],
    ['30', 30_000],
    [0, 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['5 s', 'soon', '', '-5s', '5S', '1h30m', Number.NaN, -1])('%s is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [1_500, '1.5s'],
    [61_000, '1m 1s'],
    [90_061_000, '1d 1h'],
  ])('of %d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('a size', () => {
  it.each([
    ['64KiB', 65_536],
    ['1GiB', 2 ** 30],
    ['10MB', 10_000_000],
    [512, 512],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['1 GiB', '1gib', 'big', -1, 1.5])('%s is none', (text) => {
    expect(parseSize(text)).toBeUndefined();
  });

  it.each([
    [512, '512 B'],
    [1_536, '1.5 KiB'],
    [50 * 2 ** 20, '50 MiB'],
  ])('of %d bytes reads %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

describe('a ratio', () => {
  it.each([
    ['95%', 0.95],
    [0.95, 0.95],
    ['0.5', 0.5],
  ])('%s is %d', (text, value) => {
    expect(parseRatio(text)).toBe(value);
  });

  it.each(['half', '%', -0.1])('%s is none', (text) => {
    expect(parseRatio(text)).toBeUndefined();
  });
});
