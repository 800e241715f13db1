import { describe, expect, it } from 'vitest';
import { Shutdown } from '../../src/lifecycle.ts';
import { registry } from '../../src/registry.ts';

describe('a shutdown', () => {
  it('undoes in reverse, once, and goes on when a step fails', async () => {
    const shutdown = new Shutdown();
    const done: string[] = [];
    shutdown.add('first', () => void done.push('first'));
    shutdown.add('second', () => Promise.reject(new Error('stuck')));
    shutdown.add('third', () => void done.push('third'));
    expect(await shutdown.run()).toEqual([{ name: 'second', why: 'stuck' }]);
    expect(await shutdown.run()).toEqual([]);
    expect(done).toEqual(['third', 'first']);
  });

  it('leaves a step that hangs behind and names it', async () => {
    const shutdown = new Shutdown(5);
    shutdown.add('deaf', () => new Promise(() => {}));
    expect(await shutdown.run()).toEqual([{ name: 'deaf', why: 'still not stopped after 5 ms' }]);
  });
});

describe('a registry', () => {
  it('keeps the order and finds by kind', () => {
    const found = registry({ kind: 'a', n: 1 }, { kind: 'b', n: 2 });
    expect(found.kinds).toEqual(['a', 'b']);
    expect(found.get('b')).toEqual({ kind: 'b', n: 2 });
    expect(found.get('c')).toBeUndefined();
    expect([...found]).toHaveLength(2);
  });

  it('refuses a kind given twice', () => {
    expect(() => registry({ kind: 'a' }, { kind: 'a' })).toThrow('registered twice');
  });
});
