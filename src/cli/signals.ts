/** What a daemon does when it is signalled. */
export interface SignalActions {
  readonly stop: () => void;
  readonly reload: () => void;
  /** Someone insists: end at once. */
  readonly abandon: () => void;
}

/**
 * The first SIGINT or SIGTERM stops; a second is ignored, for a terminal and a service manager may both send one;
 * a third ends at once. SIGHUP reads the configuration again.
 */
export function onSignals({ stop, reload, abandon }: SignalActions): void {
  let count = 0;
  const end = () => {
    count += 1;
    if (count === 1) stop();
    if (count >= 3) abandon();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.on('SIGHUP', reload);
}
