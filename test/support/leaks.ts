import { readdirSync, readFileSync } from 'node:fs';
import { afterAll } from 'vitest';

/** After each file: nothing that a test has started may still run. Our children carry PARAMEDIC_TEST in their environment. */
process.env['PARAMEDIC_TEST'] = `${process.pid}-${Date.now()}`;

function leftovers(): string[] {
  const mark = `PARAMEDIC_TEST=${process.env['PARAMEDIC_TEST']}\0`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid))
    .flatMap((pid) => {
      try {
        const zombie = readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
        if (zombie || !`${readFileSync(`/proc/${pid}/environ`, 'utf8')}\0`.includes(mark)) return [];
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
      } catch {
        return [];
      }
    });
}

afterAll(async () => {
  if (process.platform !== 'linux') return;
  for (let attempt = 0; attempt < 200 && leftovers().length > 0; attempt++) await new Promise((r) => setTimeout(r, 50));
  const left = leftovers();
  for (const line of left) process.kill(Number(line.split(' ')[0]), 'SIGKILL');
  if (left.length > 0) throw new Error(`these processes outlived the tests:\n${left.join('\n')}`);
});
