import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openKernelLog } from '../../src/crashes/index.ts';
import { readRecord, type KernelWord } from '../../src/crashes/kernel-log.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';

/* Recorded from Linux 5.10 to 6.18. */
const oom = (pid: number) =>
  `3,900,1,-;Out of memory: Killed process ${pid} (node) total-vm:1203312kB, anon-rss:998400kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:2412kB oom_score_adj:0`;
const cgroup = (pid: number) =>
  `3,901,1,-;Memory cgroup out of memory: Killed process ${pid} (python3) total-vm:531200kB, anon-rss:510000kB, file-rss:5120kB, shmem-rss:0kB, UID:1000 pgtables:1100kB oom_score_adj:0`;
const fault = (pid: number, at: string, sp: string) =>
  `6,902,1,-;so[${pid}]: segfault at ${at} ip 000055b6fc74a134 sp ${sp} error 6 in so[1134,55b6fc74a000+1000] likely on CPU 1 (core 1, socket 0)`;

const rows: readonly (readonly [what: string, line: string, pid: number, word: KernelWord])[] = [
  ['a machine without memory', oom(4321), 4321, 'oom_killed'],
  ['a full control group', cgroup(77), 77, 'oom_killed'],
  ['a full stack', fault(18241, '7fff11b8cc3c', '00007fff11b8cc30'), 18241, 'stack_fault'],
  ['a frame below a full stack', fault(9, '7ffe3c5fbff8', '00007ffe3c5fc040'), 9, 'stack_fault'],
  ['a null pointer', fault(12, '0', '00007ffe3c5fc000'), 12, 'memory_fault'],
  ['a wild pointer', fault(13, 'deadbeef', '00007ffe3c5fc000'), 13, 'memory_fault'],
];

describe("a line of the kernel's log", () => {
  it.each(rows)('tells of %s', (_what, line, pid, word) => {
    expect(readRecord(line)).toEqual({ pid, word });
  });

  it.each([
    '6,353,1,-;Code: ff ff c6 05 fd 2e',
    '4,1,1,-;node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0',
    '6,2,1,-;traps: MainThread[14722] trap int3 ip:27bd22c sp:7fffb6f28980 error:0 in node[23bd22c,74a000+28fa000]',
    '6,3,1,-;eth0: link up',
  ])('may tell of nobody: %s', (line) => {
    expect(readRecord(line)).toBeNull();
  });
});

describe("the kernel's log", () => {
  const logForTest = (before: string) => {
    const file = join(tempFolder(), 'kmsg');
    writeFileSync(file, before);
    const clock = new FakeClock();
    const log = openKernelLog(clock, file);
    onTestFinished(log.close);
    return { clock, log, write: (line: string) => appendFileSync(file, `${line}\n`) };
  };

  it('is asked once for each end, and what it held before counts for nobody', () => {
    const { log, write } = logForTest(`${oom(1)}\n`);
    write(cgroup(2));
    write('6,3,1,-;eth0: link up');
    write(fault(3, '0', '00007ffe3c5fc000'));
    expect([1, 2, 2, 3, 4].map((pid) => log.wordOf(pid))).toEqual([null, 'oom_killed', null, 'memory_fault', null]);
  });

  it('takes the newest word of a pid, and does not remember for ever', () => {
    const { log, write } = logForTest('');
    write(oom(1));
    write(fault(1, '0', '00007ffe3c5fc000'));
    expect(log.wordOf(1)).toBe('memory_fault');
    for (let pid = 1; pid <= 70; pid++) write(oom(pid));
    expect(log.wordOf(70)).toBe('oom_killed');
    expect([log.wordOf(5), log.wordOf(69)]).toEqual([null, 'oom_killed']);
  });

  it('is read on, so that no flood of other lines stands before a word', async () => {
    const { clock, log, write } = logForTest('');
    // As long as what is read at once: a record each.
    write(Array.from({ length: 1_100 }, () => '6,3,1,-;eth0: link up'.padEnd(8_191)).join('\n'));
    await clock.advance(6_000);
    write(oom(2));
    expect(log.wordOf(2)).toBe('oom_killed');
    log.close();
    expect(clock.pending).toBe(0);
  });

  it('that cannot be read says nothing', () => {
    const log = openKernelLog(new FakeClock(), '/no/such/file');
    expect(log.wordOf(1)).toBeNull();
    log.close();
  });
});
