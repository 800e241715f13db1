/** What a program says of itself in the words of sd_notify(3). */
export interface Words {
  /** It gives a sign of life: READY=1 or WATCHDOG=1. */
  readonly alive: boolean;
  readonly stopping: boolean;
  /** It asks to be ended: WATCHDOG=trigger. */
  readonly trigger: boolean;
  /** One line for people; null: none was given. */
  readonly status: string | null;
}

/** Reads one datagram, `NAME=VALUE` lines; names that mean nothing here are passed over. Pure. */
export function readWords(text: string): Words {
  const lines = text.split('\n');
  const status = lines.findLast((line) => line.startsWith('STATUS='));
  return {
    alive: lines.includes('READY=1') || lines.includes('WATCHDOG=1'),
    stopping: lines.includes('STOPPING=1'),
    trigger: lines.includes('WATCHDOG=trigger'),
    status: status === undefined ? null : status.slice('STATUS='.length),
  };
}
