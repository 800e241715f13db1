import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const LARGEST_BYTES = 8 * 2 ** 20;
/** Handles listed; a server may have thousands. */
const MOST_RESOURCES = 200;
/** Handles of the event loop itself. */
const MACHINERY = new Set(['loop', 'prepare', 'check', 'idle', 'async']);

const endpoint = z.object({ host: z.string().optional(), port: z.number().optional() });
const handleSchema = z.object({
  type: z.string(),
  is_active: z.boolean().optional(),
  filename: z.string().optional(),
  fd: z.number().optional(),
  localEndpoint: endpoint.nullish(),
  remoteEndpoint: endpoint.nullish(),
});
const reportSchema = z.object({
  header: z.object({ processId: z.number(), threadId: z.number().nullish(), trigger: z.string().optional() }),
  javascriptHeap: z.record(z.string(), z.unknown()).optional(),
  libuv: z.array(handleSchema).optional(),
  workers: z.array(z.object({ header: z.object({ threadId: z.number().nullish() }) })).optional(),
});

/** What a diagnostic report of Node tells of its last moment. */
export interface DiagnosticReport {
  readonly file: string;
  readonly trigger: string;
  readonly activeThreads: readonly string[];
  readonly openResources: readonly string[];
  readonly heap: Readonly<Record<string, unknown>>;
}

function nameOf({ type, filename, fd, localEndpoint, remoteEndpoint }: z.output<typeof handleSchema>): string {
  const at = (end: z.output<typeof endpoint>) => `${end.host ?? ''}:${end.port ?? ''}`;
  const ends = [localEndpoint, remoteEndpoint].flatMap((end) => (end ? [at(end)] : []));
  return [type, filename, fd === undefined ? undefined : `fd ${fd}`, ends.join(' -> ')].filter(Boolean).join(' ');
}

/**
 * Reads the report that a Node process has written into its log folder, as with `--report-on-fatalerror
 * --report-directory`. Null when there is none of this pid, or none that can be read.
 */
export async function readDiagnosticReport(folder: string, pid: number): Promise<DiagnosticReport | null> {
  const names = await readdir(folder).catch(() => []);
  const [name] = names
    .filter((candidate) => candidate.endsWith('.json') && candidate.split('.').includes(String(pid)))
    .toSorted()
    .toReversed();
  if (name === undefined) return null;
  const file = join(folder, name);
  try {
    if ((await stat(file)).size > LARGEST_BYTES) return null;
    const report = reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    if (report.header.processId !== pid) return null;
    const { javascriptHeap = {}, libuv = [], workers = [] } = report;
    return {
      file,
      trigger: report.header.trigger ?? '',
      activeThreads: [
        `main (ID: ${report.header.threadId ?? 0})`,
        ...workers.map((worker) => `worker (ID: ${worker.header.threadId ?? '?'})`),
      ],
      openResources: libuv
        .filter(({ type, is_active }) => is_active !== false && !MACHINERY.has(type))
        .slice(0, MOST_RESOURCES)
        .map(nameOf),
      heap: javascriptHeap,
    };
  } catch {
    // Half-written by a process that was killed while writing: it counts as none.
    return null;
  }
}
