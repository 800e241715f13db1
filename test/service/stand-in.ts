import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from '../support/temp.ts';

/** A `systemctl` or `launchctl` that writes down how it was called, in a folder to be put on PATH. */
export interface StandIn {
  readonly folder: string;
  /** The calls since the last time that somebody asked. */
  calls(): string[];
}

/** @param answers branches of a shell's `case "$*"`: what it says to which calls; silence and success otherwise. */
export function standIn(program: string, answers = ''): StandIn {
  const folder = join(tempFolder(), 'bin');
  mkdirSync(folder);
  const log = join(folder, 'calls');
  const file = join(folder, program);
  writeFileSync(file, `#!/bin/sh\necho "$*" >>'${log}'\ncase "$*" in\n${answers}\nesac\n`);
  chmodSync(file, 0o755);
  return {
    folder,
    calls() {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
      writeFileSync(log, '');
      return lines.filter((line) => line !== '');
    },
  };
}
