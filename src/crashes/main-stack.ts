import { Session } from 'node:inspector';
import { stackOf, type Frame } from './hung/frames.ts';

/** What the main thread is in. `why`: its stack could not be had. */
export type MainStack = { readonly frames: readonly string[] } | { readonly why: string };

interface Notification<T> {
  readonly params: T;
}

/**
 * Asks the inspector, from another thread, where the main thread is, and lets it go on. Reaches a loop that never ends
 * and a wait in JavaScript; not a call that blocks outside of it.
 */
export function mainStack(withinMs: number): Promise<MainStack> {
  const session = new Session();
  const urls = new Map<string, string>();
  return new Promise<MainStack>((resolve) => {
    const late = setTimeout(() => resolve({ why: 'it is blocked outside of JavaScript' }), withinMs);
    const done = (stack: MainStack) => {
      clearTimeout(late);
      resolve(stack);
    };
    try {
      session.connectToMainThread();
      session.on('Debugger.scriptParsed', ({ params }: Notification<{ scriptId: string; url: string }>) => {
        if (params.url) urls.set(params.scriptId, params.url);
      });
      session.on('Debugger.paused', ({ params }: Notification<{ callFrames: unknown }>) =>
        done({ frames: stackOf(params.callFrames as Frame[], urls) }),
      );
      session.post('Debugger.enable');
      session.post('Debugger.pause');
    } catch (error) {
      done({ why: String(error) });
    }
  }).finally(() => session.disconnect());
}
