import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { defineCheck, degraded, healthy, unknown, type CheckResult } from '../check.ts';
import { tried } from '../proc.ts';

const options = z.strictObject({
  root: z
    .string()
    .min(1)
    .default('/')
    .describe("Where the machine's own files are: for a daemon in a container, the folder that they are mounted on."),
});

/** A few small files and two folders: cheap, but nothing changes within minutes. */
export const pendingReboot = defineCheck({
  kind: 'pending_reboot',
  summary: 'Healthy while no update waits for a restart of the machine.',
  options,
  run: ({ root }) => {
    if (process.platform !== 'linux') return unknown('only Linux is asked so far');
    return judgeReboot(readTraces(root), release());
  },
});

export interface RebootTraces {
  /** The packages that ask for it; null: nobody asks (Debian, Ubuntu). */
  readonly packages: readonly string[] | null;
  /** Kernels whose modules are installed; empty: this is no whole machine. */
  readonly installed: readonly string[];
  /** Kernels that could be booted. */
  readonly bootable: readonly string[];
}

export function readTraces(root: string): RebootTraces {
  const text = (path: string) => tried(() => readFileSync(join(root, path), 'utf8'));
  const list = (path: string) => tried(() => readdirSync(join(root, path))) ?? [];
  const marked = ['run/reboot-required', 'var/run/reboot-required'].some((path) => text(path) !== null);
  const named = (text('run/reboot-required.pkgs') ?? text('var/run/reboot-required.pkgs') ?? '').split('\n');
  return {
    packages: marked ? [...new Set(named.map((line) => line.trim()).filter((line) => line !== ''))] : null,
    installed: list('lib/modules').filter((name) => /^\d/.test(name)),
    bootable: list('boot').flatMap((name) => /^vmlinu[xz]-(\d.*)$/.exec(name)?.[1] ?? []),
  };
}

/** @param running release of the kernel that runs, as `uname -r` says. */
export function judgeReboot({ packages, installed, bootable }: RebootTraces, running: string): CheckResult {
  if (packages)
    return degraded(`a restart is asked for${packages.length > 0 ? ` by ${packages.join(', ')}` : ' by an update'}`, 4);
  const flavour = flavourOf(running);
  const newest = bootable
    .filter((version) => flavourOf(version) === flavour)
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  if (newest !== undefined && newest.localeCompare(running, 'en', { numeric: true }) > 0)
    return degraded(`kernel ${newest} is installed, ${running} runs`, 4);
  if (installed.includes(running) || bootable.includes(running)) return healthy(`kernel ${running}, nothing waits`);
  if (installed.length > 0 && bootable.length > 0)
    return degraded(
      `the modules of the running kernel ${running} have been replaced by those of ${installed.join(', ')}`,
      4,
    );
  return unknown('nothing here tells of the kernel: a container sees only its own files (`root`)');
}

/** `amd`, `generic`, `cloud-amd`, `.el_.x_`: a kernel of another flavour is not a newer version of this one. */
const flavourOf = (version: string): string =>
  version.replace(/^[\d.]+(?:-\d+(?:\.\d+)*)?-?/, '').replaceAll(/\d/g, '');
