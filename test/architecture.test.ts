import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

/*
 * Who may import what (docs/architecture.md). Values come from the base and from one's own room; types from any
 * room's index; only the composition introduces rooms to each other. A foreign library has one home.
 */

const SRC = join(import.meta.dirname, '..', 'src');

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = (folder: string): string[] =>
  readdirSync(folder).flatMap((entry) => {
    const path = join(folder, entry);
    return statSync(path).isDirectory() ? files(path) : path.endsWith('.ts') ? [path] : [];
  });

const roomOf = (path: string): string => {
  const parts = relative(SRC, path).split(sep);
  return parts.length > 1 ? (parts[0] ?? '') : '';
};

/** Static and dynamic imports and re-exports of one source text. */
export function importsOf(file: string, text: string): Import[] {
  const statements = [
    ...text.matchAll(/^(?:import|export)\s(type\s)?[^;'"]*?from\s+'([^']+)'|\bimport\('([^']+)'\)/gm),
  ];
  return statements.map(([, type, target, dynamic]) => ({
    file: relative(SRC, file),
    room: roomOf(file),
    target: target ?? dynamic ?? '',
    typeOnly: type !== undefined,
  }));
}

/** Rooms that may take values from elsewhere, beyond base, model and themselves; `*` is everything but the doors. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  model: [],
  config: [
    'breakers',
    'checkpoints',
    'crashes',
    'degradation',
    'drivers',
    'health',
    'http',
    'incidents',
    'notifiers',
    'remediation',
    'restart',
    'telemetry',
  ],
  supervisor: ['*'],
  cli: ['*', 'config', 'cli'],
};
/** The worker that owns state.db opens it, and events.db for its WAL, as every database is opened. */
const exceptions = [/^checkpoints\/(worker|open-states|wal-keeper)\.ts → storage$/];
/** The doors: main, index, daemon and the generated pages may import everything. */
const doors = new Set(['main.ts', 'index.ts', 'daemon.ts']);

const homes: Readonly<Record<string, readonly string[]>> = {
  express: ['http'],
  'prom-client': ['telemetry'],
  pino: ['telemetry'],
  'better-sqlite3': ['storage'],
  croner: ['restart', 'config'],
  yaml: ['config'],
  commander: ['cli', ''],
  koffi: ['drivers', 'service'],
  '@kubernetes/client-node': ['drivers'],
  opossum: ['breakers'],
  nodemailer: ['notifiers'],
  '@opentelemetry/api': ['telemetry'],
  '@opentelemetry/exporter-trace-otlp-proto': ['telemetry'],
  '@opentelemetry/sdk-trace': ['telemetry'],
};

/** What is wrong with one import; undefined when nothing is. */
export function judge({ file, room, target, typeOnly }: Import): string | undefined {
  const home = homes[target];
  if (home && !home.includes(room)) return `${file} → ${target}: lives in ${home.join(', ')}/ only`;
  if (!target.startsWith('.') || doors.has(file)) return undefined;
  const to = normalize(join(dirname(file), target));
  const other = to.includes(sep) ? (to.split(sep)[0] ?? '') : '';
  if (other === room) return undefined;
  if (room === 'model') return `${file} → ${to}: model imports nothing`;
  if (typeOnly || other === 'model') return undefined;
  if (other === '') {
    if (!doors.has(to)) return undefined;
    return room === 'cli' ? undefined : `${file} → ${to}: nothing imports the doors`;
  }
  if (room === '') return `${file} → ${to}: base files know no rooms`;
  const rooms = allowed[room] ?? [];
  if (rooms.includes(other) || (rooms.includes('*') && !['http', 'cli', 'console'].includes(other))) return undefined;
  if (exceptions.some((exception) => exception.test(`${file} → ${other}`))) return undefined;
  return `${file} → ${to}: ${room}/ takes values from the base and itself only`;
}

describe('the rooms', () => {
  const all = files(SRC).flatMap((file) => importsOf(file, readFileSync(file, 'utf8')));

  it('are found, with their imports', () => {
    expect(all.length).toBeGreaterThan(100);
  });

  it('import only what the table allows', () => {
    expect(all.flatMap((one) => judge(one) ?? [])).toEqual([]);
  });

  it.each([
    [
      'restart/decide.ts',
      "import { x } from '../health/index.ts';",
      'restart/ takes values from the base and itself only',
    ],
    [
      'restart/decide.ts',
      "const x = await import('../http/index.ts');",
      'restart/ takes values from the base and itself only',
    ],
    ['model/events.ts', "import type { Clock } from '../clock.ts';", 'model imports nothing'],
    ['clock.ts', "import { x } from './health/index.ts';", 'base files know no rooms'],
    ['supervisor/create.ts', "import { createHttp } from '../http/index.ts';", 'takes values'],
    ['health/monitor.ts', "import express from 'express';", 'lives in http/ only'],
    ['supervisor/create.ts', "import { trace } from '@opentelemetry/api';", 'lives in telemetry/ only'],
    ['health/monitor.ts', "import { start } from '../daemon.ts';", 'nothing imports the doors'],
  ])('would catch %s with: %s', (file, text, complaint) => {
    const [found] = importsOf(join(SRC, file), text);
    expect(found && judge(found)).toContain(complaint);
  });

  it.each([
    ['restart/decide.ts', "import type { HealthMonitor } from '../health/index.ts';"],
    ['restart/decide.ts', "import { duration } from '../units.ts';"],
    ['supervisor/create.ts', "import { createMonitor } from '../health/index.ts';"],
  ])('allow %s with: %s', (file, text) => {
    const [found] = importsOf(join(SRC, file), text);
    expect(found && judge(found)).toBeUndefined();
  });

  it('borrow types from an index, a schema or a port, never from deep inside another room', () => {
    const deep = all.filter(({ target, room }) => {
      const [, other, file] = /^(?:\.\.\/)+([a-z]+)\/(.+)$/.exec(target) ?? [];
      return other !== undefined && other !== room && file !== undefined && file.includes('/');
    });
    expect(deep.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  });

  it('have no drawers', () => {
    const rooms = new Set(files(SRC).map(roomOf));
    for (const drawer of ['utils', 'util', 'common', 'helpers', 'lib', 'shared', 'misc'])
      expect(rooms).not.toContain(drawer);
  });
});

describe('the map of the house', () => {
  it('names only folders that exist', () => {
    const page = join(SRC, '..', 'docs', 'architecture.md');
    const named = [...readFileSync(page, 'utf8').matchAll(/^\| `([a-z/]+)\/` +\|/gm)].map(([, folder]) => folder ?? '');
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((folder) => !existsSync(join(SRC, folder)))).toEqual([]);
  });
});
