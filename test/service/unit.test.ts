import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { commandLine, value, word } from '../../src/service/quote.ts';
import { unitProblem, unitText } from '../../src/service/unit.ts';
import { needs, run, systemdAnalyze } from '../support/command.ts';
import { tempFolder } from '../support/temp.ts';
import { facts } from './facts.ts';
import { expand, splitWords } from './systemd-reader.ts';

/** Texts with much of what systemd reads as something else. */
const awkward = fc.oneof(
  fc.string({ unit: fc.constantFrom(...' \t\n\\"\'%$;#{}a=-/:'.split(''), 'é', '✓', 'n', 'x41') }),
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
);

describe('what is written for systemd', () => {
  it('is read as it was meant: words', () => {
    fc.assert(
      fc.property(fc.array(awkward), (words) => {
        expect(splitWords(words.map(word).join(' ')).map(expand)).toEqual(words);
      }),
    );
  });

  it('is read as it was meant: command lines, whose arguments may hold $VARIABLES', () => {
    fc.assert(
      fc.property(awkward, fc.array(awkward), (program, args) => {
        const [first, ...others] = splitWords(commandLine(`/${program}`, ...args)).map(expand);
        expect(first).toBe(`/${program}`);
        // The only thing left to systemd is $$, and no word is a lone semicolon.
        expect(others.map((one) => one.replaceAll('$$', '\0')).join('')).not.toContain('$');
        expect(others.map((one) => one.replaceAll('$$', '$'))).toEqual(args);
      }),
    );
    expect(commandLine('/bin/x', ';', '')).toBe('/bin/x ";" ""');
  });

  it('is one line each', () => {
    fc.assert(fc.property(awkward, (text) => !word(text).includes('\n')));
    expect(value('100 %n')).toBe('100 %%n');
  });
});

describe('the unit', () => {
  it.each([
    { file: 'system.service', of: facts() },
    { file: 'root.service', of: facts({ user: 'root' }) },
    {
      file: 'user.service',
      of: facts({
        name: 'agents',
        scope: 'user',
        config: '/home/ann/my 100% agents/paramedic.yaml',
        path: '/home/ann/$bin:/usr/bin',
        speaksItself: false,
      }),
    },
  ])('is $file', async ({ file, of }) => {
    await expect(unitText(of)).toMatchFileSnapshot(`golden/${file}`);
  });

  it('is refused where systemd would refuse it', () => {
    expect(unitProblem(facts())).toBeUndefined();
    expect(unitProblem(facts({ node: '/opt/my "node"' }))).toBe(
      'systemd runs no program with quotes or backslashes in its path: /opt/my "node"',
    );
    expect(unitProblem(facts({ config: '/etc/a\nb' }))).toBe('a path holds control characters: "/etc/a\\nb"');
  });

  it.for([
    { scope: 'system', user: 'root' },
    { scope: 'system', user: 'daemon' },
    { scope: 'user', user: 'root' },
  ] as const)('is to the liking of systemd-analyze: $scope, $user', ({ scope, user }, { skip }) => {
    needs(systemdAnalyze, skip);
    vi.stubEnv('XDG_RUNTIME_DIR', tempFolder());
    onTestFinished(() => void vi.unstubAllEnvs());
    const folder = join(tempFolder(), "it's 100% $HOME; #1");
    mkdirSync(folder);
    const node = join(folder, 'node').replace("'", '');
    mkdirSync(join(node, '..'), { recursive: true });
    symlinkSync(process.execPath, node);
    const file = join(tempFolder(), 'paramedic-under-test.service');
    const config = join(folder, 'paramedic.yaml');
    writeFileSync(file, unitText(facts({ scope, user, node, config, main: join(folder, 'main.js') })));
    const verify = () => run(systemdAnalyze, 'verify', ...(scope === 'user' ? ['--user'] : []), file);
    expect(verify()).toEqual({ code: 0, said: '' });
    // It would say so.
    writeFileSync(file, unitText(facts({ scope, user, node: `${node}-none`, config })).replace('KillMode', 'KilMode'));
    const { said } = verify();
    expect(said).toContain('KilMode');
    expect(said).toContain('node-none is not executable');
  });
});
