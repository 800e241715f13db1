import { describe, expect, it } from 'vitest';
import { createHostSampler } from '../../src/health/index.ts';
import { mountOf } from '../../src/health/sample.ts';
import { tempFolder } from '../support/temp.ts';

const mounts = ['/', '/data', '/data/my\\040disk', '/da']
  .map((mount, n) => `${n} 0 8:1 / ${mount} rw - ext4 dev rw`)
  .join('\n');

describe('host sample', () => {
  it.each([
    { path: '/etc', mount: '/' },
    { path: '/data', mount: '/data' },
    { path: '/data/x/y', mount: '/data' },
    { path: '/database', mount: '/' },
    { path: '/data/my disk/x', mount: '/data/my disk' },
  ])('$path is on $mount', ({ path, mount }) => {
    expect(mountOf(path, mounts)).toBe(mount);
  });

  it('reads this machine, each disk once', async () => {
    const sample = createHostSampler([tempFolder(), '/']);
    expect((await sample()).cpuRatio).toBeNull();
    const { disks, memoryRatio } = await sample();
    expect(new Set(disks.map(({ mount }) => mount)).size).toBe(disks.length);
    expect(disks[0]).toMatchObject({ mount: '/' });
    for (const { ratio } of disks) expect(ratio).toBeGreaterThanOrEqual(0);
    expect(memoryRatio).toBeGreaterThan(0);
  });
});
