import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { harmless, table } from '../../src/cli/terminal.ts';
import { oneLine } from '../../src/format.ts';

describe('what others have written', () => {
  it('moves no cursor and breaks no row of a table', () => {
    const evil = 'Ev\u001B[2Jil\nFAKE  row\r\u0007\u009B31m';
    const printed = table(['ALERT', 'STATUS'], [[evil, 'firing']]);
    expect(printed.split('\n')).toHaveLength(2);
    expect(stripVTControlCharacters(printed.split('\n')[1] ?? '')).toBe('Ev [2Jil FAKE  row 31m  firing');
    expect(harmless('a\u001B[31mred\u001B[39m b')).toBe('a\u001B[31mred\u001B[39m b');
  });

  it('makes no column as wide as it likes', () => {
    const [heading = ''] = table(['ALERT', 'STATUS'], [['x'.repeat(100_000), 'firing']]).split('\n');
    expect(heading.length).toBeLessThan(250);
  });

  it('is one line of a bounded length', () => {
    expect(oneLine(' a\u001B[2J\n\tb\0c ', 100)).toBe('a [2J b c');
    expect(oneLine('x'.repeat(20), 10)).toBe(`${'x'.repeat(9)}…`);
  });
});
