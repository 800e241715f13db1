/** Those who wait for a component to be verified healthy. */
export class Waiters {
  #waiting: { resolve: (isReady: boolean) => void; reject: (why: Error) => void }[] = [];

  /** Resolves true when it is, false when its start waits for others; rejects when it does not get ready. */
  wait(): Promise<boolean> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Lets all of them go on; with the reason why it did not get ready, if there is one. */
  settle(outcome: 'ready' | 'waits' | Error): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome === 'ready');
    }
  }
}
