import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { readEvents } from '../sse.ts';
import type { EventView } from '../supervisor/api.ts';
import { clientOf, connect, type Client } from './client.ts';
import { wholeNumber, withDaemon, type Where } from './options.ts';
import { harmless, paint } from './terminal.ts';

const RETRY_MS = 1_000;

const short = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** `2026-11-23T22:46:10.000Z component.crashed gmail crash_type=… exit=…`. */
function line(event: EventView): string {
  const { seq: _seq, at, type, component, ...rest } = event;
  const fields = Object.entries(rest).map(([key, value]) => `${paint('dim', `${key}=`)}${short(value)}`);
  const subject = typeof component === 'string' ? [paint('bold', component)] : [];
  return harmless([paint('dim', at), paint('cyan', type), ...subject, ...fields].join(' '));
}

/** Prints what happens, for ever: a daemon that goes away is waited for, and nothing is told twice. */
async function follow(first: Client, after: number | undefined, print: (event: EventView) => void): Promise<never> {
  let [client, last, told] = [first, after, false];
  for (;;) {
    try {
      const { body } = await client.stream('/events', last);
      told = false;
      if (body)
        for await (const { id, data } of readEvents(body)) {
          print(JSON.parse(data) as EventView);
          if (id !== undefined) last = Number(id);
        }
    } catch {
      // Ended or refused, it is the same: we come back.
    }
    if (!told) console.error('The stream has ended; waiting for the daemon to come back.');
    told = true;
    await sleep(RETRY_MS);
    try {
      // It may have come back with another port and token.
      client = clientOf(first.stateDir);
    } catch {
      continue;
    }
  }
}

export function addEvents(program: Command): void {
  withDaemon(program.command('events'))
    .description('what has happened')
    .option('-f, --follow', 'go on with what happens')
    .option('-n, --lines <count>', 'how many of the newest (0 to 1000)', wholeNumber(0, 1_000), 20)
    .option('--json', 'one JSON object per line')
    .action(async (options: Where & { follow?: boolean; json?: boolean; lines: number }) => {
      const print = (event: EventView) => console.log(options.json ? JSON.stringify(event) : line(event));
      const client = await connect(options);
      let after: number | undefined;
      if (options.lines > 0) {
        const { events } = await client.get<{ events: EventView[] }>(`/events?follow=false&limit=${options.lines}`);
        for (const event of events) print(event);
        after = events.at(-1)?.seq ?? 0;
      }
      if (options.follow) await follow(client, after, print);
    });
}
