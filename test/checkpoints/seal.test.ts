import { describe, expect, it } from 'vitest';
import { seal, type Sealed } from '../../src/checkpoints/seal.ts';
import { canonicalJson, sha256 } from '../../src/digest.ts';
import { epochMs, type CheckpointId } from '../../src/model/index.ts';
import { planner } from './stores.ts';

describe('the chain hash of a record', () => {
  const record: Omit<Sealed, 'key_id'> = {
    checkpoint_id: 'CP-2' as CheckpointId,
    component: planner,
    sequence: 2,
    at: epochMs(1_000),
    kind: 'incremental',
    trigger: 'interval',
    size_bytes: 100,
    stored_bytes: 50,
    encoding: 'zstd',
    sha256: 'ab',
    parent: 'CP-1' as CheckpointId,
    schema_version: 1,
    through: null,
  };
  it.each([[null], ['0123456789abcdef']])('is that of its canonical JSON (RFC 8785), with the key %s', (key) => {
    const named = key === null ? record : { ...record, key_id: key };
    expect(seal('before', { ...record, key_id: key })).toBe(sha256(`before\n${canonicalJson(named)}`));
  });
});
