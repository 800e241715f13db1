import type { JournalEntry, Restored } from '../../src/checkpoints/index.ts';

const parse = (json: Uint8Array): unknown => JSON.parse(Buffer.from(json).toString());

/** What a component is given, as it reads it. */
export const given = ({ state, journal, ...rest }: Restored) => ({
  ...rest,
  state: parse(state),
  journal: parse(journal) as readonly JournalEntry[],
});
export type Given = ReturnType<typeof given>;

/** What people are shown of a checkpoint, as they read it. */
export const shown = <C extends { readonly state: Uint8Array }>(checkpoint: C) => ({
  ...checkpoint,
  state: parse(checkpoint.state),
});
