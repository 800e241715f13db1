import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findSurvivors, sameProcess, type StartPlan } from '../../src/drivers/index.ts';
import { nodeLauncher, type Launcher } from '../../src/drivers/launcher.ts';
import { readStat } from '../../src/drivers/proc.ts';
import type { RunningProcess } from '../../src/drivers/running.ts';
import { componentName } from '../../src/model/index.ts';
import { describeRunning } from '../contracts/process.ts';
import { tempFolder, until } from '../support/temp.ts';
import { driverForTest, node, planFor, shell, startOrphan } from './support.ts';

/** One driver per test, however many processes it runs. */
function perTest(
  make: (plan: StartPlan, test: ReturnType<typeof driverForTest>) => Promise<RunningProcess>,
  launcher?: () => Launcher,
) {
  let current: { of: string; test: ReturnType<typeof driverForTest> } | null = null;
  return (plan: StartPlan) => {
    const of = expect.getState().currentTestName ?? '';
    if (current?.of !== of) current = { of, test: driverForTest(tempFolder(), launcher?.()) };
    return make(plan, current.test);
  };
}

describeRunning({
  name: 'a process that we started',
  tellsExits: true,
  run: perTest((plan, { driver }) => driver.start(plan)),
});

describeRunning({
  name: "a process that we started by Node's own means",
  tellsExits: true,
  run: perTest(
    (plan, { driver }) => driver.start(plan),
    () => nodeLauncher(() => {}),
  ),
});

describeRunning({
  name: 'a process that outlived its daemon',
  tellsExits: false,
  run: perTest(async (plan, { driver, logsFolder }) => {
    // Adopted before it writes: a new daemon cannot know where the life of an adopted one began in its files.
    chmodSync(logsFolder, 0o711);
    const gate = join(logsFolder, `${plan.incarnation}.go`);
    const waits = `until [ -e ${gate} ]; do sleep 0.01; done; exec "$@"`;
    const gated = { ...plan, command: ['/bin/sh', '-c', waits, 'sh', ...plan.command] };
    const identity = await startOrphan(gated, logsFolder);
    const running = driver.adopt(plan, { process: identity });
    expect(running?.adopted).toBe(true);
    writeFileSync(gate, '');
    return running!;
  }),
});

describe('a start', () => {
  it('gives the child exactly the environment of its plan, its folder and a group of its own', async () => {
    const { driver } = driverForTest();
    const cwd = tempFolder();
    const plan = shell('env | sort; pwd; cut -d" " -f1,5,6 /proc/$$/stat', { cwd });
    const running = await driver.start(plan);
    await running.exited;
    const lines = running.outputTail('stdout', 10_000).trim().split('\n');
    const { pid } = running.process;
    expect(lines.slice(-2)).toEqual([cwd, `${pid} ${pid} ${pid}`]);
    const env = Object.fromEntries(lines.slice(0, -2).map((line) => line.split(/=(.*)/s).slice(0, 2)));
    expect(env).toMatchObject(plan.env);
    expect(Object.keys(env).filter((name) => !(name in plan.env))).toEqual(['PWD']);
  });

  it.each([
    {
      what: 'a program that is not on PATH',
      plan: planFor(['no-such-program']),
      why: /not in any folder of PATH \(.+\)/,
    },
    { what: 'a PATH that is not set', plan: planFor(['no-such-program'], { env: { PATH: '' } }), why: /has no PATH/ },
    { what: 'a file that is not there', plan: planFor(['/no/such/file']), why: /there is no \/no\/such\/file/ },
    { what: 'a folder that is not there', plan: shell('true', { cwd: '/no/such' }), why: /folder \/no\/such does not/ },
    { what: 'a folder that is a file', plan: shell('true', { cwd: '/etc/passwd' }), why: /passwd is not a folder/ },
    { what: 'a program that is a folder', plan: planFor(['/etc']), why: /it is a folder/ },
    { what: 'a zero byte', plan: shell('true', { env: { A: 'x\0y' } }), why: /null bytes/ },
    {
      what: 'a user that is not there',
      plan: shell('true', { user: 'nobody-at-all' }),
      why: /no user is named|runs as root/,
    },
    {
      what: 'a group that is not there',
      plan: shell('true', { group: 'no-group' }),
      why: /no group is named|runs as root/,
    },
    { what: 'arguments without end', plan: shell(':'.repeat(3_000_000)), why: /too long/ },
  ])('says what is wrong with $what', async ({ plan, why }) => {
    const { driver, problems } = driverForTest();
    await expect(driver.start(plan)).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      message: expect.stringMatching(why),
    });
    expect(problems).toEqual([]);
  });

  it('says what is wrong with a file that is not executable or whose interpreter is missing', async () => {
    const { driver } = driverForTest();
    const cwd = tempFolder();
    writeFileSync(join(cwd, 'script'), '#!/no/such/interpreter\n');
    await expect(driver.start(planFor(['./script'], { cwd }))).rejects.toThrow(/not executable/);
    chmodSync(join(cwd, 'script'), 0o700);
    await expect(driver.start(planFor(['./script'], { cwd }))).rejects.toThrow(/interpreter that .*script names/);
  });

  it.runIf(process.getuid?.() === 0)('says what is wrong also when it is to be another user', async () => {
    const { driver, logsFolder } = driverForTest();
    const user = 'nobody';
    const cwd = tempFolder();
    chmodSync(cwd, 0o755);
    writeFileSync(join(cwd, 'script'), 'text');
    await expect(driver.start(planFor(['no-such'], { user }))).rejects.toThrow(/not in any folder of PATH/);
    await expect(driver.start(planFor(['./nothing'], { user, cwd }))).rejects.toThrow(/there is no/);
    await expect(driver.start(planFor(['./script'], { user, cwd }))).rejects.toThrow(/not executable/);
    // Executable, though not by this user: that only shows when it is this user.
    chmodSync(join(cwd, 'script'), 0o700);
    const running = await driver.start(planFor(['./script'], { user, cwd }));
    expect((await running.exited).code).toBeGreaterThan(0);
    expect(running.outputTail('stderr', 1_000)).toMatch(/script: Permission denied/);
    await (
      await driver.start(shell('true'))
    ).exited;
    expect(statSync(join(logsFolder, 'worker', 'stdout.log')).uid).toBe(0);
  });

  it.runIf(process.getuid?.() === 0)("leaves the daemon's own groups behind, whatever they are", async () => {
    const script = `
      import { createProcessDriver } from '${join(import.meta.dirname, '../../src/drivers/index.ts')}';
      import { systemClock } from '${join(import.meta.dirname, '../../src/clock.ts')}';
      process.setgroups([0, 4, 4242]);
      const driver = createProcessDriver({ logsFolder: ${JSON.stringify(tempFolder())}, clock: systemClock, onProblem: console.error });
      const running = await driver.start(${JSON.stringify(planFor(['grep', 'Groups', '/proc/self/status'], { user: 'nobody' }))});
      await running.exited;
      console.log(running.outputTail('stdout', 100));
      await driver.close();`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout.trim()).toBe('Groups:\t65534');
  });

  const [, member = ''] = /^[^:]+:[^:]*:\d+:([a-z_][^,\s]*)/m.exec(readFileSync('/etc/group', 'utf8')) ?? [];
  it.runIf(process.getuid?.() === 0 && member !== '')('has the groups that its user is a member of', async () => {
    const { driver } = driverForTest();
    const ids = execFileSync('id', ['-G', member], { encoding: 'utf8' });
    const running = await driver.start(planFor(['id', '-G'], { user: member }));
    await running.exited;
    expect(running.outputTail('stdout', 1_000).split(/\s/).toSorted()).toEqual(ids.split(/\s/).toSorted());
  });

  it('happens even where no output can be written', async () => {
    const { driver, problems, logsFolder } = driverForTest();
    writeFileSync(join(logsFolder, 'worker'), 'a file where the folder should be');
    const running = await driver.start(shell('echo unseen; exit 5'));
    expect(await running.exited).toEqual({ code: 5, signal: null });
    expect(running.outputTail('stdout', 100)).toBe('');
    expect(problems).toEqual([expect.stringMatching(/thrown away/)]);
  });

  it('writes to new files once somebody has deleted the old ones', async () => {
    const { driver, logsFolder } = driverForTest();
    await (
      await driver.start(shell('echo one'))
    ).exited;
    rmSync(join(logsFolder, 'worker'), { recursive: true });
    await (
      await driver.start(shell('echo two'))
    ).exited;
    expect(readFileSync(join(logsFolder, 'worker', 'stdout.log'), 'utf8')).toBe('two\n');
    expect(statSync(join(logsFolder, 'worker', 'stdout.log')).mode & 0o777).toBe(0o600);
  });

  it('opens no more descriptors with each life', async () => {
    const { driver } = driverForTest();
    const fds = () => readdirSync('/proc/self/fd').length;
    await (
      await driver.start(shell('true'))
    ).exited;
    const before = fds();
    for (let i = 0; i < 10; i++) await (await driver.start(shell('true'))).exited;
    // A search through /proc may be under way, which holds some for a moment.
    await until('no more descriptors than before', () => fds() <= before);
  });
});

describe('an adoption', () => {
  it('refuses a process that only has the same pid, one that has gone, and one of an earlier boot', async () => {
    const { driver } = driverForTest();
    const running = await driver.start(shell('exec sleep 60'));
    const identity = running.process;
    expect(driver.adopt(shell(''), { process: { ...identity, startTime: identity.startTime - 1 } })).toBeNull();
    expect(driver.adopt(shell(''), { process: { ...identity, bootId: 'another' } })).toBeNull();
    await running.kill();
    expect(driver.adopt(shell(''), { process: identity })).toBeNull();
  });

  it('takes a zombie for gone', async () => {
    const { driver } = driverForTest();
    const folder = tempFolder();
    const parent = await driver.start(shell(`sleep 0 & echo $! > ${folder}/pid; exec sleep 60`));
    const pid = await until('a zombie', () => {
      const text = existsSync(join(folder, 'pid')) ? readFileSync(join(folder, 'pid'), 'utf8').trim() : '';
      return readStat(Number(text))?.state === 'Z' && Number(text);
    });
    const startTime = readStat(pid)?.startTime ?? 0;
    expect(sameProcess({ ...parent.process, pid, startTime })).toBe(false);
    await parent.kill();
  });

  it('leaves the group of a stranger alone', async () => {
    const { driver, logsFolder } = driverForTest();
    const folder = tempFolder();
    const leader = await driver.start(shell(`sleep 60 & echo $! > ${folder}/pid; exec sleep 61`));
    const pid = await until(
      'a pid',
      () => (existsSync(`${folder}/pid`) && Number(readFileSync(`${folder}/pid`, 'utf8'))) || undefined,
    );
    const startTime = readStat(pid)?.startTime ?? 0;
    const plan = shell('', { component: componentName('other') });
    const member = driver.adopt(plan, { process: { ...leader.process, pid, startTime } });
    await member?.kill();
    expect(sameProcess(leader.process)).toBe(true);
    expect(existsSync(join(logsFolder, 'other', 'stdout.log'))).toBe(true);
    await leader.kill();
  });
});

describe('survivors', () => {
  it('are found by the token in their environment, the spawned one told from what it has started', async () => {
    const logsFolder = tempFolder();
    const plan = shell(`setsid sleep 61 & sleep 62 & exec sleep 60`);
    const identity = await startOrphan(plan, logsFolder);
    const ours = await until('three processes', async () => {
      const found = (await findSurvivors()).filter(({ incarnation }) => incarnation === plan.incarnation);
      return found.length === 3 && found;
    });
    expect(ours.filter(({ leader }) => leader)).toEqual([
      {
        component: plan.component,
        incarnation: plan.incarnation,
        token: plan.env['PARAMEDIC_TOKEN'],
        process: identity,
        leader: true,
      },
    ]);
    const { driver } = driverForTest(logsFolder);
    await driver.adopt(plan, { process: identity })?.kill();
    expect((await findSurvivors()).filter(({ incarnation }) => incarnation === plan.incarnation)).toEqual([]);
  });

  it('of which the spawned one has ended have no leader', async () => {
    const plan = shell('sleep 61 & exec sleep 60');
    const identity = await startOrphan(plan, tempFolder());
    const ours = async () => (await findSurvivors()).filter(({ incarnation }) => incarnation === plan.incarnation);
    await until('two processes', async () => (await ours()).length === 2);
    process.kill(identity.pid, 'SIGKILL');
    const [left] = await until('one process', async () => {
      const found = await ours();
      return found.length === 1 && found;
    });
    expect(left?.leader).toBe(false);
    process.kill(left!.process.pid, 'SIGKILL');
  });
});

describe('a driver that is closed', () => {
  it('leaves its children running and lets the daemon end', async () => {
    const logsFolder = tempFolder();
    const plan = node('setInterval(() => console.log("tick"), 10)');
    const identity = await startOrphan(plan, logsFolder);
    const { driver } = driverForTest(logsFolder);
    const running = driver.adopt(plan, { process: identity });
    await driver.close();
    await driver.close();
    expect(sameProcess(identity)).toBe(true);
    expect(running?.outputTail('stdout', 10)).toBe('');
    process.kill(identity.pid, 'SIGKILL');
    await until('its end', () => !sameProcess(identity));
  });

  it.each(['', 'launcher: nodeLauncher(() => {}),'])(
    'keeps no process alive, though one that is open does while a child lives (%s)',
    async (launcher) => {
      const script = `
      import { createProcessDriver } from '${join(import.meta.dirname, '../../src/drivers/index.ts')}';
      import { nodeLauncher } from '${join(import.meta.dirname, '../../src/drivers/launcher.ts')}';
      import { systemClock } from '${join(import.meta.dirname, '../../src/clock.ts')}';
      const driver = createProcessDriver({ logsFolder: ${JSON.stringify(tempFolder())}, clock: systemClock, onProblem: console.error, ${launcher} });
      await (await driver.start(${JSON.stringify(shell('sleep 0.2'))})).exited;
      const running = await driver.start(${JSON.stringify(shell('exec sleep 60'))});
      await driver.close();
      console.log(running.process.pid);`;
      const daemon = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let text = '';
      daemon.stdout.on('data', (chunk) => (text += String(chunk)));
      await new Promise((resolve) => daemon.once('close', resolve));
      expect(daemon.exitCode).toBe(0);
      process.kill(Number(text), 'SIGKILL');
    },
  );
});

describe('a restart', () => {
  it('can begin in the moment the end is told', async () => {
    const { driver } = driverForTest();
    let running = await driver.start(shell('exec sleep 60'));
    const gaps: number[] = [];
    const bare: number[] = [];
    for (let i = 0; i < 30; i++) {
      const killed = performance.now();
      process.kill(running.process.pid, 'SIGKILL');
      await running.exited;
      running = await driver.start(shell('exec sleep 60'));
      gaps.push(performance.now() - killed);
      const begun = performance.now();
      const child = spawn('sleep', ['60'], { stdio: 'ignore' });
      child.kill('SIGKILL');
      await once(child, 'exit');
      bare.push(performance.now() - begun);
    }
    await running.kill();
    const median = (all: number[]) => all.toSorted((a, b) => a - b)[15] ?? 0;
    // As fast as this machine is now; bench/ holds the figure, this only that nothing polls or scans on the way.
    expect(median(gaps)).toBeLessThan(3 * median(bare) + 25);
  });
});
