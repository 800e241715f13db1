import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { standIn } from '../service/stand-in.ts';
import { tempFolder } from '../support/temp.ts';
import { answer, paramedic, playDaemon, project } from './support.ts';

const YAML = 'components: { a: { command: [x] } }';

/** A user with a home and a systemd of their own, which says this to which calls. */
function surroundings(answers = '*is-active*) exit 3;; *is-system-running*) echo running;;') {
  const systemctl = standIn('systemctl', answers);
  const home = tempFolder();
  return {
    systemctl,
    env: { PATH: `${systemctl.folder}:${process.env['PATH']}`, HOME: home },
    unit: (name: string) => join(home, '.config', 'systemd', 'user', `${name}.service`),
  };
}

describe.runIf(process.platform === 'linux')('paramedic service', () => {
  it('shows the unit and does nothing, wherever it is', async () => {
    const folder = project(YAML);
    const { env, systemctl, unit } = surroundings('*) echo offline; exit 1;;');
    const { code, stdout, stderr } = await paramedic(['service', 'install', '--user', '--print'], folder, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const main = realpathSync(join(import.meta.dirname, '../../src/main.ts'));
    const config = join(realpathSync(folder), 'paramedic.yaml');
    expect(stdout).toContain(`\nExecStart=${process.execPath} ${main} start --service --config ${config}\n`);
    expect(stdout).toContain(`\nExecStop=${process.execPath} ${main} stop --keep-components --config ${config}\n`);
    expect(stdout).toMatch(/^NotifyAccess=main$/m);
    expect(/^Environment=PATH=(.*)$/m.exec(stdout)?.[1]).not.toContain('node_modules');
    expect(existsSync(unit('paramedic'))).toBe(false);
    expect(systemctl.calls()).toEqual([]);
  });

  it("has the rights of the configuration's owner, or of whom one says", async () => {
    const folder = project(YAML);
    const { env } = surroundings();
    const print = (...more: string[]) => paramedic(['service', 'install', '--print', ...more], folder, env);
    const owner = process.getuid?.() === 0 ? 'root' : '.+';
    expect((await print()).stdout).toMatch(new RegExp(`^User=${owner}$`, 'm'));
    expect((await print('--run-as', 'agents')).stdout).toMatch(/^User=agents$/m);
    expect(await print('--run-as', 'agents', '--user')).toMatchObject({
      code: 2,
      stderr: '--run-as is for a service of the system; one of your own has your rights.\n',
    });
  });

  it('installs, starts, restarts, stops and uninstalls, each with one line', async () => {
    const folder = project(YAML);
    const { env, systemctl, unit } = surroundings();
    const says = async (...args: string[]) => {
      const { code, stdout, stderr } = await paramedic(['service', ...args, '--user', '--name', 'agents'], folder, env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout.split('\n')[0];
    };
    const file = unit('agents');
    expect(await says('install')).toBe(`${file} is written: agents starts with your session`);
    expect(readFileSync(file, 'utf8')).toContain('KillMode=process\n');
    expect(await says('install', '--now')).toBe(`${file} is written: agents runs, and starts with your session`);
    systemctl.calls();
    expect(await says('start')).toBe('agents runs');
    expect(await says('restart')).toBe('agents runs anew');
    expect(await says('stop')).toBe('agents is stopped');
    expect(await says('uninstall')).toBe(
      `${file} is removed; components that ran keep running: \`paramedic start\` adopts them`,
    );
    expect(existsSync(file)).toBe(false);
    expect(systemctl.calls().filter((call) => !call.includes('is-'))).toEqual([
      '--user start agents.service',
      '--user restart agents.service',
      '--user stop agents.service',
      '--user disable --now agents.service',
      '--user daemon-reload',
    ]);
  });

  it('shows what systemd says, and ends with 3 when the service does not run', async () => {
    const up = surroundings("*is-system-running*) echo running;; *status*) echo 'Active: active (running)';;");
    const asked = ['service', 'status', '--user'];
    expect(await paramedic(asked, project(), up.env)).toEqual({
      code: 0,
      stdout: 'Active: active (running)\n',
      stderr: '',
    });
    const down = surroundings("*is-system-running*) echo running;; *status*) echo 'Active: inactive'; exit 3;;");
    expect(await paramedic(asked, project(), down.env)).toMatchObject({ code: 3, stdout: 'Active: inactive\n' });
  });

  it('stops the components first when told so', async () => {
    const { env, systemctl } = surroundings();
    const daemon = spawn('sleep', ['1000'], { stdio: 'ignore' });
    onTestFinished(() => void daemon.kill('SIGKILL'));
    let body = '';
    const folder = await playDaemon(
      {
        'POST /stop': (request, response) => {
          ({ body } = request);
          daemon.kill();
          answer({})(request, response);
        },
      },
      daemon.pid,
    );
    const asked = ['service', 'stop', '--user', '--with-components', '--state-dir', '.paramedic'];
    expect(await paramedic(asked, folder, env)).toMatchObject({
      code: 0,
      stdout: 'paramedic is stopped with its components\n',
    });
    expect(JSON.parse(body)).toEqual({ keep_components: false });
    expect(systemctl.calls()).toContain('--user stop paramedic.service');
  });

  it.each([
    {
      when: 'there is no systemd',
      answers: '*) echo offline; exit 1;;',
      says: 'No service manager is here: `systemctl --user is-system-running` answers "offline". In a container make `paramedic start` its command; elsewhere `paramedic start --detach` runs it in the background.\n',
    },
    {
      when: 'systemd refuses',
      answers: "*is-system-running*) echo running;; *enable*) echo 'Access denied' >&2; exit 1;;",
      says: 'systemctl --user enable paramedic.service failed: Access denied.\n',
    },
  ])('ends with 1 and a sentence when $when', async ({ answers, says }) => {
    const { env } = surroundings(answers);
    expect(await paramedic(['service', 'install', '--user'], project(YAML), env)).toEqual({
      code: 1,
      stdout: '',
      stderr: says,
    });
  });

  it('ends with 2 when the configuration is bad, before anything is written', async () => {
    const { env, unit, systemctl } = surroundings();
    const { code, stderr } = await paramedic(['service', 'install', '--user'], project('x: 1'), env);
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'paramedic.yaml:1:1 x: unknown key "x"\n' });
    expect(existsSync(unit('paramedic'))).toBe(false);
    expect(systemctl.calls()).toEqual([]);
    const named = await paramedic(['service', 'install', '--user', '--name', '../x'], project(YAML), env);
    expect(named).toMatchObject({ code: 2, stdout: '' });
  });

  it('does not start a service beside a daemon that runs by hand', async () => {
    const folder = await playDaemon({});
    const { env, unit } = surroundings();
    writeFileSync(join(folder, 'paramedic.yaml'), YAML);
    const { code, stderr } = await paramedic(['service', 'install', '--user', '--now'], folder, env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^A daemon \(pid \d+\) already runs on /);
    expect(existsSync(unit('paramedic'))).toBe(false);
  });
});
