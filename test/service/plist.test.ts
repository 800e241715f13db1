import { describe, expect, it } from 'vitest';
import { plistText } from '../../src/service/plist.ts';
import { needs, python, run } from '../support/command.ts';
import { facts } from './facts.ts';

describe('the property list', () => {
  it('is system.plist', async () => {
    await expect(plistText(facts())).toMatchFileSnapshot('golden/system.plist');
  });

  it('is read by a real parser as it was meant', ({ skip }) => {
    needs(python, skip);
    const config = '/Users/ann/<my> "100%" & $agents/paramedic.yaml';
    const text = plistText(facts({ scope: 'user', config, stateDir: '/Users/ann/state' }));
    const read = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.argv[1].encode())))';
    const { code, said } = run(python, '-c', read, text);
    expect(code, said).toBe(0);
    expect(JSON.parse(said)).toEqual({
      Label: 'paramedic',
      ProgramArguments: [facts().node, facts().main, 'start', '--service', '--config', config],
      RunAtLoad: true,
      KeepAlive: true,
      ThrottleInterval: 1,
      ExitTimeOut: 60,
      AbandonProcessGroup: true,
      EnvironmentVariables: { PATH: facts().path },
      StandardOutPath: '/Users/ann/state/logs/daemon.out',
      StandardErrorPath: '/Users/ann/state/logs/daemon.out',
      SoftResourceLimits: { NumberOfFiles: 65_536 },
    });
  });

  it('names a user only for what starts with the machine', () => {
    expect(plistText(facts({ user: 'ann' }))).toContain('<key>UserName</key>\n  <string>ann</string>');
    expect(plistText(facts({ scope: 'user' }))).not.toContain('UserName');
  });
});
