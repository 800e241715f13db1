import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { script, type Site } from './daemon.ts';

/** A component that tells of each of its starts in a file and writes a number to stdout every 20 ms. */
export const chatty = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> =>
  script(
    `require('fs').appendFileSync('${name}.starts', process.pid + '\\n');
     let n = 0;
     setInterval(() => process.stdout.write(++n + '\\n'), 20);`,
    more,
  );

/** The pids that a component has ever been started with, by its own account. */
export function startsOf(site: Site, name: string): number[] {
  const file = join(site.folder, `${name}.starts`);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number);
}

/** The number that a component wrote last. */
export function lastWord(site: Site, name: string): number {
  const lines = readFileSync(join(site.stateDir, 'logs', name, 'stdout.log'), 'utf8').split('\n');
  return Number(lines.at(-2) ?? 0);
}

/** Living processes of a site that carry a component's token in their environment, whoever thinks to know them. */
export function carriers(site: Site, component?: string): number[] {
  const mark = `\0PARAMEDIC_COMPONENT=${component ?? ''}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        if (readlinkSync(`/proc/${pid}/cwd`) !== site.folder) return [];
        const environ = `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        return environ.includes(component === undefined ? mark : `${mark}\0`) && !/\) [ZX] /.test(stat)
          ? [Number(pid)]
          : [];
      } catch {
        return [];
      }
    });
}

/** What a living process has in its environment. */
export function environOf(pid: number, name: string): string {
  const found = readFileSync(`/proc/${pid}/environ`, 'utf8')
    .split('\0')
    .find((entry) => entry.startsWith(`${name}=`));
  return found?.slice(name.length + 1) ?? '';
}
