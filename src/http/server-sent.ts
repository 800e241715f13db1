import type { Response } from 'express';
import type { Clock } from '../clock.ts';

/** A client that lets more than this pile up is cut. */
export const STREAM_BUFFER = 2 ** 20;
/** A comment this often keeps proxies from closing an idle stream. */
export const STREAM_HEARTBEAT_MS = 15_000;
/** A client that has read nothing for so many heartbeats is gone. */
const MUTE_HEARTBEATS = 4;

export interface StreamDeps {
  readonly clock: Clock;
  /** Aborted when the listener closes: streams end then, and their clients come back later. */
  readonly closing: AbortSignal;
}

/**
 * Begins an answer of server-sent events, which beats until the client goes away or the listener closes.
 * @returns writes a piece of it; nothing once it is over.
 */
export function openStream(response: Response, { clock, closing }: StreamDeps): (text: string) => void {
  let muteHeartbeats = 0;

  const write = (text: string) => {
    if (response.destroyed || response.writableEnded) return;
    const waiting = response.writableLength;
    if (waiting > 0 && waiting + Buffer.byteLength(text) > STREAM_BUFFER) response.destroy();
    else response.write(text);
  };
  const beat = () => {
    muteHeartbeats = response.writableNeedDrain ? muteHeartbeats + 1 : 0;
    if (muteHeartbeats >= MUTE_HEARTBEATS) response.destroy();
    else write(': \n\n');
    stopBeating = clock.after(STREAM_HEARTBEAT_MS, beat);
  };
  const end = () => void response.end();

  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
  write('retry: 1000\n\n');
  let stopBeating = clock.after(STREAM_HEARTBEAT_MS, beat);
  closing.addEventListener('abort', end);
  response.once('close', () => {
    stopBeating();
    closing.removeEventListener('abort', end);
  });
  return write;
}
