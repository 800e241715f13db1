/** Those who wait for a component to be verified healthy. */
export class Waiters {
  #waiting: { resolve: () => void; reject: (why: Error) => void }[] = [];

  wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Lets all of them go on; with the reason why it did not get ready, if there is one. */
  settle(why: Error | null): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (why) reject(why);
      else resolve();
    }
  }
}
