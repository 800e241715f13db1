import type { Response } from 'express';
import type { Daemon, EventView } from '../supervisor/api.ts';
import { openStream, STREAM_BUFFER, type StreamDeps } from './server-sent.ts';

/** While reading from the store we wait for the client instead: this much is on its way at most. */
const CATCH_UP_BUFFER = STREAM_BUFFER / 4;
const PAGE = 200;

export interface StreamOptions extends StreamDeps {
  readonly daemon: Pick<Daemon, 'eventsAfter' | 'subscribe' | 'view'>;
  /** `seq` of the last event that the client has. */
  readonly after: number;
  /** Also what is only told, never stored: without an id, so that it cannot be resumed from. */
  readonly all: boolean;
}

/**
 * Writes server-sent events until the client goes away. It begins *behind*: pages are read from the store, and what
 * is told meanwhile is ignored, for it is stored before it is told and the next page has it. With an empty page it is
 * *live*: what is told is written at once, unless a number is missing, which sends it behind again. So every stored
 * event is sent once and in order, wherever the client begins.
 */
export function streamEvents(response: Response, { daemon, after, all, ...deps }: StreamOptions): void {
  let sent = after;
  let live = false;

  const write = openStream(response, deps);
  const tell = (event: EventView) => {
    if (event.seq !== null) sent = event.seq;
    const id = event.seq === null ? '' : `id: ${event.seq}\n`;
    write(`${id}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  };
  const catchUp = () => {
    live = false;
    if (response.destroyed || response.writableEnded) return;
    const page = daemon.eventsAfter(sent, PAGE);
    for (const event of page) {
      // The rest of the page is read again when the client has caught up.
      if (response.writableLength > CATCH_UP_BUFFER) return void response.once('drain', catchUp);
      tell(event);
    }
    if (page.length === 0) live = true;
    else setImmediate(catchUp);
  };
  const unsubscribe = daemon.subscribe((event, seq) => {
    if (!live || (seq === null ? !all : seq <= sent)) return;
    if (seq !== null && seq > sent + 1) catchUp();
    if (live && (seq === null || seq > sent)) tell(daemon.view(event, seq));
  });
  response.once('close', unsubscribe);
  catchUp();
}
