import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestContext } from 'vitest';

/** A program of Debian's, and the package that brings it. */
export interface Command {
  readonly path: string;
  readonly package: string;
}

export const promtool: Command = { path: '/usr/bin/promtool', package: 'prometheus' };
export const prometheus: Command = { path: '/usr/bin/prometheus', package: 'prometheus' };
export const alertmanager: Command = { path: '/usr/bin/prometheus-alertmanager', package: 'prometheus-alertmanager' };
export const amtool: Command = { path: '/usr/bin/amtool', package: 'prometheus-alertmanager' };
export const compose: Command = { path: '/usr/bin/docker-compose', package: 'docker-compose' };
export const systemdAnalyze: Command = { path: '/usr/bin/systemd-analyze', package: 'systemd' };
export const systemdNotify: Command = { path: '/usr/bin/systemd-notify', package: 'systemd' };
export const python: Command = { path: '/usr/bin/python3', package: 'python3' };

/** Skips the test, and says so, where the program is missing; in CI it must be there, so the test fails. */
export function needs({ path, package: name }: Command, skip: TestContext['skip']): void {
  skip(!existsSync(path) && process.env['CI'] !== 'true', `${path} is not there: apt-get install ${name}`);
}

/** Runs it to its end: exit code (null when it could not be started) and everything that it said. */
export function run(command: Command, ...args: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr, error } = spawnSync(command.path, args, { encoding: 'utf8' });
  return { code: status, said: error === undefined ? stdout + stderr : error.message };
}
