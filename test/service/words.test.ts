import { describe, expect, it } from 'vitest';
import { readWords, type Words } from '../../src/service/index.ts';

const nothing: Words = { alive: false, stopping: false, trigger: false, status: null };

describe('the words of sd_notify', () => {
  it.each<[text: string, words: Partial<Words>]>([
    ['READY=1', { alive: true }],
    ['WATCHDOG=1\nSTATUS=3 jobs', { alive: true, status: '3 jobs' }],
    ['STATUS=a\nSTATUS=b = c', { status: 'b = c' }],
    ['STOPPING=1', { stopping: true }],
    ['WATCHDOG=trigger', { trigger: true }],
    ['READY=0\nMAINPID=7\nBARRIER=1', {}],
    ['', {}],
    ['NOTREADY=1', {}],
  ])('%j', (text, words) => {
    expect(readWords(text)).toEqual({ ...nothing, ...words });
  });
});
