import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { createLog as create, type LogOptions } from '../../src/telemetry/index.ts';
import { tempFolder, until } from '../support/temp.ts';
import { samples } from './events.ts';

const read = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** With all the time that it needs to write what it was given. */
const createLog = (options: LogOptions) => create({ closeMs: 60_000, ...options });

describe('log', () => {
  it('writes one JSON object per line with time, level, component and event', async () => {
    const file = `${tempFolder()}/logs/paramedic.log`;
    const log = createLog({ level: 'info', file });
    log.event(samples['component.crashed']);
    log.event(samples['check.completed']);
    log.write('debug', 'not this one');
    await log.close();
    expect(read(file)).toEqual([
      expect.objectContaining({
        level: 'error',
        msg: 'gmail crashed: SIGKILL after 3h 2m (external_termination)',
        component: 'gmail',
        event: 'component.crashed',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      }),
    ]);
  });

  it('keeps as many files as it may, each of about the size allowed', async () => {
    const file = `${tempFolder()}/paramedic.log`;
    const log = createLog({ level: 'info', file, maxSizeBytes: 2_000, keep: 3 });
    const texts = () => [file, `${file}.1`].map((part) => (existsSync(part) ? readFileSync(part, 'utf8') : ''));
    for (let n = 0; n < 200; n++) {
      log.write('info', `line ${n}`);
      // As they come in life: each is on the disk long before the file is full.
      if (n % 10 === 9) await until(`line ${n}`, () => texts().some((text) => text.includes(`line ${n}"`)));
    }
    await log.close();
    expect([existsSync(`${file}.1`), existsSync(`${file}.2`), existsSync(`${file}.3`)]).toEqual([true, true, false]);
    const kept = [`${file}.2`, `${file}.1`, file].flatMap((part) => (readFileSync(part, 'utf8') ? read(part) : []));
    const numbers = kept.map(({ msg }) => Number(String(msg).split(' ')[1]));
    expect(numbers.at(-1)).toBe(199);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  });

  it('moves no copy up while the new file is not there yet, however much comes at once', async () => {
    const file = `${tempFolder()}/paramedic.log`;
    const log = createLog({ level: 'info', file, maxSizeBytes: 2_000, keep: 3 });
    let count = 0;
    await until('a rotated file and a new one', () => {
      log.write('info', `line ${count++}`);
      return existsSync(`${file}.1`) && existsSync(file);
    });
    for (const all = count + 160; count < all; count++) log.write('info', `line ${count}`);
    await log.close();
    const kept = [`${file}.2`, `${file}.1`, file];
    expect(kept.map((part) => existsSync(part))).toEqual([true, true, true]);
    expect(kept.flatMap(read).map(({ msg }) => msg)).toEqual(Array.from({ length: count }, (_, n) => `line ${n}`));
  });

  it('rotates at the start what is already too long', async () => {
    const file = `${tempFolder()}/paramedic.log`;
    writeFileSync(file, 'x'.repeat(3_000));
    const log = createLog({ level: 'info', file, maxSizeBytes: 2_000 });
    log.write('info', 'fresh');
    await log.close();
    expect(read(file)).toHaveLength(1);
    expect(readFileSync(`${file}.1`, 'utf8')).toHaveLength(3_000);
  });

  it.runIf(existsSync('/dev/full'))('goes on when the disk is full and says so once', async () => {
    const complaint = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const log = create({ level: 'info', file: '/dev/full' });
    for (let n = 0; n < 5; n++) {
      log.write('info', `line ${n}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until('it has complained', () => complaint.mock.calls.length > 0);
    await log.close();
    expect(complaint.mock.calls.map(([text]) => text)).toEqual([
      expect.stringContaining('the log /dev/full cannot be written: ENOSPC'),
    ]);
    complaint.mockRestore();
  });

  it('goes on when its folder cannot be made', async () => {
    const complaint = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const folder = tempFolder();
    writeFileSync(`${folder}/file`, '');
    const log = create({ level: 'info', file: `${folder}/file/paramedic.log` });
    log.write('info', 'lost');
    await until('it has complained', () => complaint.mock.calls.length > 0);
    await log.close();
    complaint.mockRestore();
  });

  it('ignores what is written after its end', async () => {
    const file = `${tempFolder()}/paramedic.log`;
    const log = createLog({ level: 'info', file });
    log.write('info', 'first');
    await log.close();
    log.write('info', 'second');
    await log.close();
    expect(read(file)).toHaveLength(1);
  });
});
