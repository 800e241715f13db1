import { createServer } from 'node:http';

/* Answers. `GET /crash` makes it die, so that there is something to see. */

createServer((request, response) => {
  if (request.url === '/crash') throw new Error('somebody asked for it');
  response.end('well\n');
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('listening'));
