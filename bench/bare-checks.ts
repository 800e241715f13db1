import { connect } from 'node:net';

/*
 * The least that a Node program can do to look at fifty children every 5 s: open as many connections, spread over the
 * time, and count them. Usage: node bare-checks.ts PORT
 */
const port = Number(process.argv[2]);
const CHECKS = 50;
const EVERY_MS = 5_000;
let answered = 0;

function check(): void {
  const socket = connect({ host: '127.0.0.1', port });
  socket.once('connect', () => {
    answered++;
    socket.destroy();
  });
  socket.on('error', () => undefined);
}

for (let n = 0; n < CHECKS; n++) setTimeout(() => setInterval(check, EVERY_MS), (n * EVERY_MS) / CHECKS);
process.on('SIGTERM', () => process.exit(answered > 0 ? 0 : 1));
