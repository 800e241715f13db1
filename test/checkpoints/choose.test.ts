import { describe, expect, it } from 'vitest';
import { choose } from '../../src/checkpoints/choose.ts';
import type { CheckpointId } from '../../src/model/index.ts';

const list = (text: string) =>
  text.split('').map((mark, index) => ({ checkpoint_id: `CP-${index}` as CheckpointId, valid: mark === 'v' }));

describe('the choice of a checkpoint', () => {
  it.each([
    { newestFirst: '', refused: [], becomes: null, source: 'none' },
    { newestFirst: 'vvv', refused: [], becomes: 'CP-0', source: 'latest' },
    { newestFirst: 'xvv', refused: [], becomes: 'CP-1', source: 'previous' },
    { newestFirst: 'xxv', refused: [], becomes: 'CP-2', source: 'previous' },
    { newestFirst: 'xx', refused: [], becomes: null, source: 'none' },
    { newestFirst: 'vvv', refused: ['CP-0'], becomes: 'CP-1', source: 'previous' },
    { newestFirst: 'vxv', refused: ['CP-0'], becomes: 'CP-2', source: 'previous' },
    { newestFirst: 'vv', refused: ['CP-0', 'CP-1'], becomes: null, source: 'none' },
  ])('of "$newestFirst" without $refused is $becomes ($source)', ({ newestFirst, refused, becomes, source }) => {
    const chosen = choose(list(newestFirst), new Set(refused as CheckpointId[]));
    expect([chosen.checkpoint?.checkpoint_id ?? null, chosen.source]).toEqual([becomes, source]);
  });
});
