import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder, until, type Lifetime } from './temp.ts';
import { onTestFinished } from 'vitest';

/**
 * `systemctl` and `journalctl` for a machine without systemd: they take the arguments and give the answers of the real
 * ones, and really run the processes of a unit. Everything is in files, so that a test can look and meddle.
 */
const SYSTEMCTL = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
[ -e "$here/slow" ] && exec sleep 60
[ -e "$here/away" ] && { echo 'Failed to connect to bus: Connection refused' >&2; exit 1; }
[ -e "$here/garbage" ] && { echo '<html>not what you wanted</html>'; exit 0; }
signal=TERM
while [ $# -gt 0 ]; do
  case $1 in
    --system|--user|--no-ask-password|--no-block|--property=*) ;;
    --signal=*) signal=\${1#--signal=SIG} ;;
    --) ;;
    -*) echo "systemctl: unrecognized option '$1'" >&2; exit 1 ;;
    *) if [ -z "$verb" ]; then verb=$1; else unit=$1; fi ;;
  esac
  shift
done
u="$here/units/$unit"
get() { cat "$u/$1" 2>/dev/null || echo "$2"; }
case $verb in
  start|stop|kill|reset-failed)
    [ -e "$here/denied" ] && { echo "Failed to $verb $unit: Access denied" >&2; exit 4; }
    [ -d "$u" ] || { echo "Failed to $verb $unit: Unit $unit not loaded." >&2; exit 5; } ;;
esac
case $verb in
  show)
    if [ ! -d "$u" ]; then printf 'LoadState=not-found\\nActiveState=inactive\\nSubState=dead\\nResult=success\\n'; exit 0; fi
    echo "LoadState=$(get load loaded)"
    echo "ActiveState=$(get active inactive)"
    echo "SubState=$(get sub dead)"
    echo "Result=$(get result success)"
    echo "MainPID=$(get pid 0)"
    echo "InvocationID=$(get invocation '')"
    echo "ExecMainCode=$(get code 0)"
    echo "ExecMainStatus=$(get status 0)"
    echo "MemoryCurrent=$(get memory '[not set]')"
    echo "CPUUsageNSec=$(get cpu '[not set]')"
    echo "TasksCurrent=1" ;;
  start)
    [ "$(get active inactive)" = active ] && exit 0
    rm -f "$u/asked" "$u/pid"
    # The job goes on whether its client waits for it or not, until a stop takes its place.
    if [ -e "$u/hangs" ]; then
      echo activating > "$u/active"; echo start > "$u/sub"
      while [ -d "$u" ] && [ ! -e "$u/asked" ]; do sleep 0.01; done
      echo "Job for $unit canceled." >&2; exit 1
    fi
    tr -d - < /proc/sys/kernel/random/uuid > "$u/invocation"
    setsid "$here/run" "$u" > /dev/null 2>&1 < /dev/null &
    while [ ! -s "$u/pid" ]; do sleep 0.01; done
    # Of a program this quick systemd has seen the end before it answers.
    while [ -e "$u/quick" ] && [ "$(get active)" = active ]; do sleep 0.01; done ;;
  stop)
    [ "$(get active inactive)" = activating ] && { touch "$u/asked"; echo inactive > "$u/active"; exit 0; }
    [ "$(get active inactive)" = active ] || exit 0
    touch "$u/asked"
    kill -TERM "$(get pid)" 2>/dev/null
    exit 0 ;;
  kill)
    kill "-$signal" "$(get pid)" 2>/dev/null
    exit 0 ;;
  reset-failed) [ "$(get active)" = failed ] && { echo inactive > "$u/active"; echo success > "$u/result"; } ;;
  *) echo "Unknown command verb '$verb'." >&2; exit 1 ;;
esac
exit 0
`;

const RUN = `#!/bin/sh
u=$1
sh "$u/program" > "$u/journal" 2>&1 &
pid=$!
echo active > "$u/active"; echo running > "$u/sub"; echo success > "$u/result"
echo $pid > "$u/pid.new"; mv "$u/pid.new" "$u/pid"
wait $pid
status=$?
if [ $status -gt 128 ]; then code=2; status=$((status - 128)); result=signal
elif [ $status -gt 0 ]; then code=1; result=exit-code
else code=1; result=success; fi
[ -e "$u/asked" ] && [ $code = 2 ] && [ $status = 15 ] && result=success
[ -e "$u/result.next" ] && result=$(cat "$u/result.next")
echo $code > "$u/code"; echo $status > "$u/status"; echo $result > "$u/result"; echo 0 > "$u/pid"
if [ $result = success ]; then echo inactive > "$u/active"; else echo failed > "$u/active"; fi
`;

const JOURNALCTL = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
for last; do :; done
for u in "$here"/units/*; do
  [ "_SYSTEMD_INVOCATION_ID=$(cat "$u/invocation" 2>/dev/null)" = "$last" ] && cat "$u/journal"
done
exit 0
`;

export class FakeSystemd {
  /** To be put first in PATH. */
  readonly folder: string;

  constructor(lifetime: Lifetime = onTestFinished) {
    this.folder = tempFolder(lifetime);
    mkdirSync(join(this.folder, 'units'));
    for (const [name, text] of Object.entries({ systemctl: SYSTEMCTL, run: RUN, journalctl: JOURNALCTL })) {
      writeFileSync(join(this.folder, name), text);
      chmodSync(join(this.folder, name), 0o755);
    }
  }

  get path(): string {
    return `${this.folder}:${process.env['PATH']}`;
  }

  /** @param program lines for `sh`. */
  define(unit: string, program: string): void {
    mkdirSync(join(this.folder, 'units', unit), { recursive: true });
    this.set(unit, 'program', program);
  }

  set(unit: string, property: string, value: string): void {
    writeFileSync(join(this.folder, 'units', unit, property), value);
  }

  get(unit: string, property: string): string {
    const file = join(this.folder, 'units', unit, property);
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  }

  pid(unit: string): number {
    return Number(this.get(unit, 'pid'));
  }

  runs(unit: string): boolean {
    return this.get(unit, 'active') === 'active';
  }

  /** Somebody kills its process. */
  async kill(unit: string): Promise<void> {
    if (!this.runs(unit)) return;
    process.kill(this.pid(unit), 'SIGKILL');
    await until('systemd to know', () => !this.runs(unit));
  }

  /** What is wrong with systemd itself: `away`, `slow`, `garbage`, `denied`. */
  trouble(what: string, on = true): void {
    const file = join(this.folder, what);
    if (on) writeFileSync(file, '');
    else rmSync(file, { force: true });
  }
}
