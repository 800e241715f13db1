/**
 * What went wrong between a component and its supervisor. `code` is the daemon's (`STALE_INCARNATION`,
 * `BODY_INVALID`, `STORE_FAILED` …) or one of our own: `NOT_SUPERVISED`, `DAEMON_AWAY` (no answer until the
 * deadline: what was sent may or may not have been stored), `QUEUE_FULL`, `CLOSED`, `SCHEMA_NEWER`, `MIGRATION_MISSING`,
 * `MIGRATION_FAILED`.
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: string;
  /** HTTP status of the daemon's answer; null: there was none. */
  readonly status: number | null;

  constructor(code: string, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.code = code;
    this.status = options.status ?? null;
  }
}

/** Asking again may help: the daemon is away, stopping, or could not write. */
export const isPassing = (error: unknown): boolean => {
  if (!(error instanceof ClientError)) return true;
  return error.status !== null && (error.status >= 500 || error.status === 429 || error.status === 408);
};
