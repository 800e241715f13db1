import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOomWatch, oomCounterFiles } from '../../src/crashes/index.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { tempFolder } from '../support/temp.ts';

function watchForTest() {
  const file = join(tempFolder(), 'memory.events');
  const set = (count: number) =>
    writeFileSync(file, `low 0\nhigh 0\noom ${count}\noom_kill ${count}\noom_group_kill 0\n`);
  set(7);
  const clock = new FakeClock();
  return { set, clock, watch: createOomWatch({ clock, files: ['/no/such/file', file] }) };
}

describe('the watch for kills for memory', () => {
  it('answers once for each kill since it began', () => {
    const { set, watch } = watchForTest();
    expect(watch.killedJustNow()).toBe(false);
    set(9);
    expect([watch.killedJustNow(), watch.killedJustNow(), watch.killedJustNow()]).toEqual([true, true, false]);
  });

  it('forgets a kill that nobody asked for within some seconds', async () => {
    const { set, clock, watch } = watchForTest();
    set(8);
    await clock.advance(1_900);
    expect(watch.killedJustNow()).toBe(true);
    set(9);
    await clock.advance(4_200);
    expect(watch.killedJustNow()).toBe(false);
    watch.close();
    expect(clock.pending).toBe(0);
  });

  it('knows nothing where the kernel tells nothing', () => {
    const watch = createOomWatch({ clock: new FakeClock(), files: ['/no/such/file'] });
    expect(watch.killedJustNow()).toBeNull();
  });

  it.runIf(process.platform === 'linux')('finds a counter on this machine', () => {
    expect(createOomWatch({ clock: new FakeClock(), files: oomCounterFiles() }).killedJustNow()).toBe(false);
  });
});
