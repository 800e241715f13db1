import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { managerOf, requireManager, requireRights, runner, type Place } from '../../src/service/index.ts';
import { createLaunchd, plistFolder } from '../../src/service/launchd.ts';
import { createSystemd, unitFolder } from '../../src/service/systemd.ts';
import { tempFolder } from '../support/temp.ts';
import { facts } from './facts.ts';
import { standIn, type StandIn } from './stand-in.ts';

const runIn = ({ folder }: StandIn) => runner({ PATH: `${folder}:/usr/bin:/bin` });

describe('systemd', () => {
  const make = (answers = '', scope: 'system' | 'user' = 'system') => {
    const systemctl = standIn('systemctl', answers);
    const folder = join(tempFolder(), 'systemd', 'system');
    return { systemctl, folder, service: createSystemd({ name: 'agents', scope, folder, run: runIn(systemctl) }) };
  };

  it('is given a unit, told of it, and starts it with the machine', () => {
    const { systemctl, folder, service } = make();
    service.install('[Unit]\n', false);
    expect(systemctl.calls()).toEqual(['daemon-reload', 'enable agents.service']);
    expect(readFileSync(service.file, 'utf8')).toBe('[Unit]\n');
    expect(statSync(service.file).mode & 0o777).toBe(0o644);
    expect(readdirSync(folder)).toEqual(['agents.service']);
    service.install('[Unit]\n\n', true);
    expect(systemctl.calls()).toEqual(['daemon-reload', 'enable agents.service', 'restart agents.service']);
    expect(readFileSync(service.file, 'utf8')).toBe('[Unit]\n\n');
  });

  it('stops it before the unit goes, and forgets it', () => {
    const { systemctl, service } = make();
    service.install('[Unit]\n', false);
    systemctl.calls();
    service.uninstall();
    expect(systemctl.calls()).toEqual(['disable --now agents.service', 'daemon-reload']);
    expect(existsSync(service.file)).toBe(false);
    expect(service.uninstall).toThrow(`No service "agents" is installed: there is no ${service.file}.`);
    expect(systemctl.calls()).toEqual([]);
  });

  it("is asked for a user's own service with --user", () => {
    const { systemctl, service } = make("*status*) echo 'Active: active'; exit 0;; *is-active*) exit 3;;", 'user');
    service.start();
    service.stop();
    service.restart();
    expect(service.status()).toEqual({ text: 'Active: active', active: true });
    expect(service.active()).toBe(false);
    expect(systemctl.calls()).toEqual([
      '--user start agents.service',
      '--user stop agents.service',
      '--user restart agents.service',
      '--user --no-pager status agents.service',
      '--user is-active --quiet agents.service',
    ]);
  });

  it('is quoted when it refuses', () => {
    const { service } = make("start*) echo 'Unit agents.service not found.' >&2; exit 5;; *status*) exit 3;;");
    expect(service.start).toThrow('systemctl start agents.service failed: Unit agents.service not found.');
    expect(service.status().active).toBe(false);
  });

  it('keeps the unit when the service cannot be stopped', () => {
    const { service } = make("disable*) echo 'Interactive authentication required.' >&2; exit 1;;");
    service.install('[Unit]\n', false);
    expect(service.uninstall).toThrow('failed: Interactive authentication required.');
    expect(existsSync(service.file)).toBe(true);
  });

  it('looks for units where administrators and users put them', () => {
    expect(unitFolder('system', {}, '/home/ann')).toBe('/etc/systemd/system');
    expect(unitFolder('user', {}, '/home/ann')).toBe('/home/ann/.config/systemd/user');
    expect(unitFolder('user', { XDG_CONFIG_HOME: '/x' }, '/home/ann')).toBe('/x/systemd/user');
  });
});

describe('launchd', () => {
  const make = (answers = '', scope: 'system' | 'user' = 'system') => {
    const launchctl = standIn('launchctl', answers);
    const folder = join(tempFolder(), 'Library', 'LaunchDaemons');
    const run = runIn(launchctl);
    return { launchctl, service: createLaunchd({ name: 'agents', scope, uid: 501, folder, run }) };
  };
  const NOT_LOADED = "print*) echo 'Could not find service' >&2; exit 113;;";

  it('loads what is to be started now', () => {
    const { launchctl, service } = make(NOT_LOADED);
    service.install(service.text(facts()), false);
    expect(launchctl.calls()).toEqual(['enable system/agents']);
    service.install(service.text(facts()), true);
    expect(launchctl.calls()).toEqual([
      'enable system/agents',
      'print system/agents',
      `bootstrap system ${service.file}`,
    ]);
    expect(readFileSync(service.file, 'utf8')).toContain('<key>KeepAlive</key>\n  <true/>');
  });

  it('unloads first what runs already', () => {
    const { launchctl, service } = make('', 'user');
    service.install('<plist/>', true);
    expect(launchctl.calls()).toEqual([
      'enable gui/501/agents',
      'print gui/501/agents',
      'bootout gui/501/agents',
      `bootstrap gui/501 ${service.file}`,
    ]);
    service.uninstall();
    expect(launchctl.calls()).toEqual(['print gui/501/agents', 'bootout gui/501/agents']);
    expect(existsSync(service.file)).toBe(false);
    expect(service.uninstall).toThrow('No service "agents" is installed');
  });

  it('stops by unloading, starts by loading', () => {
    const running = make();
    running.service.start();
    running.service.restart();
    running.service.stop();
    expect(running.launchctl.calls().filter((call) => !call.startsWith('print'))).toEqual([
      'kickstart system/agents',
      'kickstart -k system/agents',
      'bootout system/agents',
    ]);
    const { launchctl, service } = make(NOT_LOADED);
    expect(service.start).toThrow('No service "agents" is installed');
    service.install('<plist/>', false);
    service.restart();
    expect(launchctl.calls().at(-1)).toBe(`bootstrap system ${service.file}`);
    expect(service.status()).toEqual({ text: 'Could not find service', active: false });
  });
});

describe('the manager of a machine', () => {
  const place = (answers: string, more: Partial<Place> = {}): Place => {
    const run = runIn(standIn('systemctl', answers));
    return { platform: 'linux', env: {}, home: '/home/ann', uid: 1_000, run, ...more };
  };

  it('is launchd on macOS, systemd elsewhere', () => {
    expect(managerOf(place(''), 'x', 'system').file).toBe('/etc/systemd/system/x.service');
    expect(managerOf(place('', { platform: 'darwin' }), 'x', 'user').file).toBe(
      '/home/ann/Library/LaunchAgents/x.plist',
    );
    expect(plistFolder('system', '/home/ann')).toBe('/Library/LaunchDaemons');
  });

  it.each([
    { answers: '*) echo running;;', there: true },
    // systemctl ends with 1 then.
    { answers: '*) echo degraded; exit 1;;', there: true },
    { answers: '*) echo offline; exit 1;;', there: false, says: '`systemctl is-system-running` answers "offline"' },
    { answers: '*) echo No bus >&2; exit 1;;', there: false, says: 'answers "No bus"' },
  ])('is there: $there, when it answers $answers', ({ answers, there, says = '' }) => {
    const ask = () => requireManager(place(answers), 'system');
    if (there) expect(ask).not.toThrow();
    else expect(ask).toThrow(says);
  });

  it('is not there where its program is missing', () => {
    const nothing = place('', { run: runner({ PATH: tempFolder() }) });
    expect(() => requireManager(nothing, 'user')).toThrow(/`systemctl --user is-system-running` answers ".*ENOENT"/);
  });

  it('lets only root change what starts with the machine', () => {
    expect(() => requireRights(place(''), 'system', 'install')).toThrow(
      'Only root may install a service of the system: use sudo, or --user for a service of your own.',
    );
    expect(() => requireRights(place(''), 'user', 'install')).not.toThrow();
    expect(() => requireRights(place('', { uid: 0 }), 'system', 'install')).not.toThrow();
  });
});
