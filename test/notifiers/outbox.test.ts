import { describe, expect, it } from 'vitest';
import { componentName, epochMs } from '../../src/model/index.ts';
import { Outbox } from '../../src/notifiers/outbox.ts';
import { crash, openShelf } from './facts.ts';

const FOLD = 300_000;
const alike = { signature: 'same' };
/** A time that folds are measured from. */
const T = Date.UTC(2026, 10, 23);

function outboxOver(shelf: ReturnType<typeof openShelf>, from = 0) {
  return new Outbox({
    shelf: shelf.store,
    name: 'webhook/x',
    from,
    foldMs: FOLD,
    wanted: (event) => event.type === 'component.crashed',
  });
}

/** Everything that is to be told at a time, and is then told. */
function tellAll(outbox: Outbox, now: number): string[] {
  const told: string[] = [];
  for (let letter = outbox.next(epochMs(now)); letter; letter = outbox.next(epochMs(now))) {
    const { crash: id = '' } = letter.event as { crash?: string };
    told.push(`${Number(id.slice(-8))}${letter.fold ? ` and ${letter.fold.more} more` : ''}`);
    outbox.settle();
  }
  return told;
}

describe('an outbox', () => {
  it('has each letter once and in order, whatever else happens', () => {
    const shelf = openShelf();
    shelf.state(crash(1, T), { type: 'config.rejected', at: epochMs(T), problems: [] }, crash(2, T));
    const outbox = outboxOver(shelf);
    expect(outbox.next(epochMs(T))?.id).toBe(outbox.next(epochMs(T))?.id);
    expect(tellAll(outbox, T)).toEqual(['1', '2']);
    shelf.state(crash(3, T));
    expect(tellAll(outbox, T)).toEqual(['3']);
  });

  it('goes on where an earlier daemon was killed, with the same ids', () => {
    const shelf = openShelf();
    shelf.state(crash(1, T), crash(2, T), crash(3, T));
    const killed = outboxOver(shelf);
    killed.next(epochMs(T));
    killed.settle();
    const id = killed.next(epochMs(T))?.id;
    // Another connection to the file sees only what survives a SIGKILL.
    const later = outboxOver(openShelf(shelf.file), 99);
    expect(later.next(epochMs(T))?.id).toBe(id);
    expect(tellAll(later, T)).toEqual(['2', '3']);
  });

  it('begins with what comes, not with what was', () => {
    const shelf = openShelf();
    shelf.state(crash(1, T));
    const outbox = outboxOver(shelf, shelf.store.lastSeq());
    shelf.state(crash(2, T));
    expect(tellAll(outbox, T)).toEqual(['2']);
  });

  it('tells of a loop with its first crash, and of the others together when the window is over', () => {
    const shelf = openShelf();
    const outbox = outboxOver(shelf);
    for (let n = 1; n <= 500; n++) shelf.state(crash(n, T + n, alike));
    shelf.state(crash(600, T + 1_000, { ...alike, component: componentName('other') }));
    expect(tellAll(outbox, T + 2_000)).toEqual(['1', '600']);
    expect(outbox.dueAt).toBe(T + 1 + FOLD);
    expect(tellAll(outbox, T + FOLD)).toEqual([]);
    expect(tellAll(outbox, T + 1 + FOLD)).toEqual(['1 and 499 more']);
    expect(tellAll(outbox, T + 10 * FOLD)).toEqual([]);
    expect(outbox.dueAt).toBeNull();
    shelf.state(crash(700, T + 2 * FOLD, alike));
    expect(tellAll(outbox, T + 2 * FOLD)).toEqual(['700']);
  });

  it('folds what has waited the same way: by when it happened, not by when it is told', () => {
    const shelf = openShelf();
    const outbox = outboxOver(shelf);
    for (let n = 0; n < 6; n++) shelf.state(crash(n, T + (n * FOLD) / 3, alike));
    shelf.state(crash(9, T + 2 * FOLD));
    expect(tellAll(outbox, T + 9 * FOLD)).toEqual(['0', '0 and 2 more', '3', '3 and 2 more', '9']);
  });

  it('remembers an open fold over the death of the daemon, and tells of it once', () => {
    const shelf = openShelf();
    const killed = outboxOver(shelf);
    shelf.state(crash(1, T, alike), crash(2, T + 1, alike), crash(3, T + 2));
    expect(tellAll(killed, T + 10)).toEqual(['1', '3']);
    shelf.state(crash(4, T + 20, alike));
    const second = outboxOver(openShelf(shelf.file));
    expect(tellAll(second, T + 30)).toEqual([]);
    expect(tellAll(second, T + FOLD)).toEqual(['1 and 2 more']);
    const third = outboxOver(openShelf(shelf.file));
    expect(tellAll(third, T + 9 * FOLD)).toEqual([]);
  });
});
