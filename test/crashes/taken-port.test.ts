import { describe, expect, it } from 'vitest';
import { wantedPorts } from '../../src/crashes/taken-port.ts';

const nothing = { command: ['./server'], env: {} };

describe('the port that a process could not have', () => {
  it.each([
    { who: 'Node', says: 'Error: listen EADDRINUSE: address already in use 127.0.0.1:3000', port: 3_000 },
    { who: 'Node on IPv6', says: 'Error: listen EADDRINUSE: address already in use :::3000', port: 3_000 },
    { who: 'Go', says: '2026/11/25 02:37:01 listen tcp :8080: bind: address already in use', port: 8_080 },
    { who: 'Go on IPv6', says: 'panic: listen tcp [::1]:8080: bind: address already in use', port: 8_080 },
    {
      who: 'asyncio',
      says: "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use",
      port: 8_000,
    },
    {
      who: 'asyncio on IPv6',
      says: "[Errno 98] error while attempting to bind on address ('::1', 8000, 0, 0): address already in use",
      port: 8_000,
    },
    { who: 'gunicorn', says: "[ERROR] Connection in use: ('127.0.0.1', 8000)", port: 8_000 },
    { who: 'Flask', says: 'Address already in use\nPort 5000 is in use by another program.', port: 5_000 },
    { who: 'nginx', says: 'bind() to 0.0.0.0:80 failed (98: Address already in use)', port: 80 },
    { who: 'Java', says: 'Web server failed to start. Port 8080 was already in use.', port: 8_080 },
  ])('is read as $who tells it', ({ says, port }) => {
    expect(wantedPorts(`starting on :1234\n${says}\n    at node:net:1908:16\n`, nothing)[0]).toBe(port);
  });

  it('is what it was told where it does not say', () => {
    const says = 'OSError: [Errno 98] Address already in use';
    expect(wantedPorts(says, { command: ['python3', '-m', 'http.server', '8000'], env: {} })).toEqual([8_000]);
    expect(wantedPorts(says, { command: ['app', '--listen=[::]:81'], env: { PORT: '82' } })).toEqual([82, 81]);
    expect(wantedPorts(says, nothing)).toEqual([]);
  });

  it('is none when it died of something else', () => {
    expect(wantedPorts('Error: connect ECONNREFUSED 127.0.0.1:3000', { command: ['x', '80'], env: {} })).toEqual([]);
  });
});
