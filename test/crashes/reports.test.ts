import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/clock.ts';
import type { CrashRetention } from '../../src/crashes/schema.ts';
import { classify, createCrashReports, type Crash } from '../../src/crashes/index.ts';
import { datedId } from '../../src/digest.ts';
import { componentName, epochMs, type CrashId, type IncarnationId, type RecoveryEvent } from '../../src/model/index.ts';
import { tempFolder } from '../support/temp.ts';

/** Time stands still, so that no allowance is refilled; waiting takes none. */
const stillClock: Clock = { ...systemClock, monotonic: () => 0, sleep: () => Promise.resolve() };

function reportsForTest({ clock = stillClock, ...limits }: Partial<CrashRetention> & { clock?: Clock } = {}) {
  const [folder, logsFolder] = [join(tempFolder(), 'crashes'), tempFolder()];
  const events: RecoveryEvent[] = [];
  const retention = { keep: 200, max_age: Infinity, max_size: Infinity, ...limits };
  const reports = createCrashReports({
    folder,
    logsFolder,
    clock,
    retention: () => retention,
    emit: (...all) => events.push(...all),
  });
  return { reports, folder, logsFolder, events };
}

const at = epochMs(Date.UTC(2026, 10, 23, 22, 46, 10));
const idAt = (time: number) => datedId('CRASH', time) as CrashId;
const stderrTail =
  'starting with --token=abc\nTypeError: no plan, Bearer abcdefgh\n    at plan (/app/agent.js:3:9)\n\nNode.js v24.1.0\n';

const hangs = {
  exit: { code: null, signal: 'SIGKILL' },
  stderrTail: '',
  told: null,
  oomKilled: null,
  kernelSays: null,
  memoryShare: null,
  adopted: false,
};

function crashOf(changes: Partial<Crash> = {}): Crash {
  const exit = { code: 1, signal: null };
  return {
    crash: idAt(at),
    at,
    component: componentName('worker'),
    verdict: classify({
      exit,
      stderrTail,
      told: null,
      killedFor: null,
      oomKilled: null,
      kernelSays: null,
      memoryShare: null,
      adopted: false,
    }),
    exit,
    uptimeMs: 61_500,
    incarnation: 'a'.repeat(32) as IncarnationId,
    process: { pid: 4_242, startTime: 1, bootId: '' },
    command: ['node', 'agent.js', '--api-key', 'abc'],
    env: { LLM_API_KEY: 'hunter2-and-more' },
    usage: { cpuRatio: 0.25, residentBytes: 64 * 2 ** 20, openFds: 12, processes: 2 },
    stdoutTail: 'one\ntwo hunter2-and-more\n',
    stderrTail,
    killedFor: null,
    hung: null,
    ...changes,
  };
}

describe('a crash report', () => {
  it('has the fields of the specification, without secrets, readable by its owner only', async () => {
    const { reports, folder, events } = reportsForTest({ clock: systemClock });
    const crash = crashOf();
    await reports.write(crash);
    const file = join(folder, `${crash.crash}.json`);
    expect(events).toEqual([
      expect.objectContaining({ type: 'crash.reported', component: 'worker', crash: crash.crash, file }),
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await reports.read(crash.crash)).toEqual({
      crash_id: crash.crash,
      timestamp: '2026-11-23T22:46:10.000Z',
      crash_type: 'unhandled_exception',
      severity: 'medium',
      component: 'worker',
      exception_type: 'TypeError',
      exception_message: 'no plan, Bearer ***',
      stack_trace: 'TypeError: no plan, Bearer ***\n    at plan (/app/agent.js:3:9)',
      system_state: {
        timestamp: expect.any(String),
        cpu_percent: expect.any(Number),
        memory: { total_gb: expect.any(Number), available_gb: expect.any(Number), percent: expect.any(Number) },
        disk: { total_gb: expect.any(Number), free_gb: expect.any(Number), percent: expect.any(Number) },
        process_count: expect.any(Number),
        agent_process: {
          pid: 4_242,
          name: 'node',
          status: 'ended',
          cpu_percent: 25,
          memory_percent: expect.any(Number),
          memory_info_mb: 64,
          num_threads: null,
          num_handles: 12,
          processes: 2,
          create_time: '2026-11-23T22:45:08.500Z',
        },
      },
      memory_dump_summary: { process_memory_mb: 64 },
      active_threads: [],
      open_resources: [],
      recent_logs: [
        'stdout: one',
        'stdout: two ***',
        'stderr: starting with --token=***',
        'stderr: TypeError: no plan, Bearer ***',
        'stderr:     at plan (/app/agent.js:3:9)',
        'stderr: Node.js v24.1.0',
      ],
      recovery_attempted: false,
      recovery_successful: null,
      additional_context: {
        exit_code: 1,
        signal: null,
        uptime_seconds: 61.5,
        incarnation: 'a'.repeat(32),
        error_type: 'TypeError',
        signature: crash.verdict.signature,
        rule: 'uncaught exception',
        command: ['node', 'agent.js', '--api-key', '***'],
        killed_for: null,
        hung: null,
        port_in_use: null,
        diagnostic_report: null,
        node_trigger: null,
      },
    });
    expect(readFileSync(file, 'utf8')).not.toMatch(/hunter2|abcdefgh|"abc"/);
  });

  it('of a hang shows what it hung in, and hides the secrets of every process', async () => {
    const { reports, folder } = reportsForTest();
    const crash = crashOf({
      stderrTail: '',
      verdict: classify({ ...hangs, killedFor: { why: 'hang', cpuRatio: 0 } }),
      killedFor: { why: 'hang', cpuRatio: 0 },
      hung: {
        node: { pid: 7, frames: ['at stuck (/app/agent.js:4:2)'], heap: null, waitsFor: [] },
        processes: [
          {
            pid: 4_242,
            command: ['npm', 'start', '--token', 'topsecret', 'https://me:topsecret@example.com'],
            threads: [{ id: 4_242, name: 'npm', state: 'sleeping', call: 'wait4', waitsIn: 'do_wait' }],
            kernelStack: [],
          },
          { pid: 7, command: ['node', 'agent.js', 'hunter2-and-more'], threads: [], kernelStack: [] },
        ],
        resources: ['File: /app/hunter2-and-more.db'],
      },
    });
    await reports.write(crash);
    expect(await reports.read(crash.crash)).toMatchObject({
      crash_type: 'deadlock',
      stack_trace: '    at stuck (/app/agent.js:4:2)',
      active_threads: ['npm (ID: 4242) - sleeping, wait4, waits in do_wait'],
      open_resources: ['File: /app/***.db'],
      system_state: { agent_process: { num_threads: 1 } },
      additional_context: {
        killed_for: 'hang',
        hung: {
          javascript_of: 7,
          processes: [
            { pid: 4_242, command: ['npm', 'start', '--token', '***', 'https://***@example.com'], state: 'sleeping' },
            { pid: 7, command: ['node', 'agent.js', '***'], state: 'ended' },
          ],
        },
      },
    });
    expect(readFileSync(join(folder, `${crash.crash}.json`), 'utf8')).not.toMatch(/topsecret|hunter2/);
  });

  it('tells later how the recovery ended', async () => {
    const { reports } = reportsForTest();
    const crash = crashOf();
    void reports.write(crash);
    await reports.recovered(crash.crash, true);
    expect(await reports.read(crash.crash)).toMatchObject({ recovery_attempted: true, recovery_successful: true });
    await reports.recovered(idAt(at), true);
  });

  it('takes threads and handles from the diagnostic report that Node has left', async () => {
    const { reports, logsFolder } = reportsForTest();
    const folder = join(logsFolder, 'worker');
    mkdirSync(folder);
    const script = `require('net').createServer().listen(0, '127.0.0.1', () => { process.report.writeReport(); process.exit(1) })`;
    const args = [`--report-directory=${folder}`, '-e', script];
    const { pid } = spawnSync(process.execPath, args, { env: { PARAMEDIC_TEST: process.env['PARAMEDIC_TEST'] } });
    writeFileSync(join(folder, `report.20990101.000000.${pid}.0.002.json`), '{"half');
    const crash = crashOf({ process: { pid, startTime: 1, bootId: '' } });
    await reports.write(crash);
    expect(await reports.read(crash.crash)).toMatchObject({ active_threads: [] });
    writeFileSync(join(folder, `report.20990101.000000.${pid}.0.002.json`), '');
    const [real = ''] = readdirSync(folder).toSorted();
    writeFileSync(join(folder, `report.20990101.000000.${pid}.0.002.json`), readFileSync(join(folder, real)));
    await reports.write(crash);
    expect(await reports.read(crash.crash)).toMatchObject({
      active_threads: ['main (ID: 0)'],
      open_resources: [expect.stringMatching(/^tcp fd \d+ \S+:\d+$/)],
      memory_dump_summary: { heapSpaces: expect.anything() },
    });
  });
});

describe('crash reports', () => {
  it('keep the newest and clear away what a daemon left half-written', async () => {
    const { reports, folder } = reportsForTest({ keep: 3 });
    mkdirSync(folder);
    writeFileSync(join(folder, `${idAt(at)}.json.tmp`), '{');
    writeFileSync(join(folder, 'notes.json'), 'of a person');
    const ids = [0, 1, 2, 3, 4].map((second) => idAt(at + second * 1_000));
    await Promise.all(ids.map((crash) => reports.write(crashOf({ crash }))));
    expect(readdirSync(folder).toSorted()).toEqual(
      [...ids.slice(2).map((id) => `${id}.json`), 'notes.json'].toSorted(),
    );
  });

  it('keep what fits, and the newest even if it does not', async () => {
    const { reports, folder } = reportsForTest({ max_size: 1 });
    for (const second of [0, 1, 2]) await reports.write(crashOf({ crash: idAt(at + second * 1_000) }));
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^CRASH-20261123-224612-/)]);
  });

  it('are written for twenty crashes of a component at once, not for each of thousands', async () => {
    const { reports, folder, events } = reportsForTest();
    const flood = Array.from({ length: 500 }, () => reports.write(crashOf({ crash: idAt(at) })));
    await Promise.all([...flood, reports.write(crashOf({ crash: idAt(at), component: componentName('other') }))]);
    await reports.idle();
    expect(readdirSync(folder)).toHaveLength(21);
    const count = (type: string) => events.filter((event) => event.type === type).length;
    expect([count('crash.reported'), count('crash.report_failed')]).toEqual([21, 480]);
  });

  it('tell of a failure instead of throwing', async () => {
    const { reports, folder, events } = reportsForTest();
    writeFileSync(folder, 'a file where the folder should be');
    await reports.write(crashOf());
    expect(events).toEqual([
      expect.objectContaining({ type: 'crash.report_failed', why: expect.stringMatching(/EEXIST|ENOTDIR/) }),
    ]);
  });

  it.each(['../secret', 'CRASH-20261123-224610-1A2B3C4D/../../secret', '', 'CRASH-20261123-224610-1a2b3c4d'])(
    'do not take %j for an id',
    async (id) => {
      const { reports, folder } = reportsForTest();
      mkdirSync(folder);
      writeFileSync(join(folder, '..', 'secret.json'), '{}');
      expect(await reports.read(id)).toBeUndefined();
      expect(() => reports.fileOf(id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
      expect(existsSync(join(folder, '..', 'secret.json'))).toBe(true);
    },
  );

  it('answer nothing for one that is not there, and fail for one that is damaged', async () => {
    const { reports, folder } = reportsForTest();
    const id = idAt(at);
    expect(await reports.read(id)).toBeUndefined();
    mkdirSync(folder);
    writeFileSync(join(folder, `${id}.json`), '{');
    await expect(reports.read(id)).rejects.toThrow(/JSON/);
  });
});
