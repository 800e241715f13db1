import { createServer } from 'node:http';

/** What a person may do to a component with curl, to see what happens. */
const faults = {
  crash: () => {
    throw new Error('a fault was asked for: crash');
  },
  exit: (code = '1') => process.exit(Number(code)),
  /** A deadlock: nothing runs any more and no CPU is used. */
  hang: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  /** An infinite loop: nothing else runs any more, and a core is busy. */
  spin: () => {
    for (;;);
  },
  /** Memory that is never given back, up to 512 MiB so that an unsupervised leak ends too. */
  leak: () => {
    const kept = [];
    const timer = setInterval(() => {
      kept.push(Buffer.alloc(16 * 2 ** 20, 1));
      if (kept.length === 32) clearInterval(timer);
    }, 100);
  },
  /** 32 MiB of output within a few seconds. */
  flood: () => {
    let left = 512;
    const timer = setInterval(() => {
      console.log('x'.repeat(2 ** 16));
      if (--left === 0) clearInterval(timer);
    }, 10);
  },
};

/**
 * The HTTP side of a component: `/healthz`, its own routes, and `POST /do/FAULT`.
 * @param routes `{ 'POST /tasks': async (body, query) => answer }`; whatever they throw is answered 500
 */
export function serve(name, routes = {}) {
  let unhealthy = false;
  const all = {
    'GET /healthz': () => ({ component: name, healthy: !unhealthy }),
    'POST /do/unhealthy': () => ((unhealthy = true), { healthy: false }),
    'POST /do/healthy': () => ((unhealthy = false), { healthy: true }),
    ...routes,
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const [, fault, argument] = /^\/do\/(\w+)(?:\/(\d+))?$/.exec(pathname) ?? [];
    const route = all[`${request.method} ${pathname}`];
    const answer = (status, body) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    try {
      if (route) {
        const result = await route(await read(request), searchParams);
        answer(unhealthy && pathname === '/healthz' ? 503 : 200, result ?? {});
      } else if (request.method === 'POST' && Object.hasOwn(faults, fault ?? '')) {
        console.log(`a fault was asked for: ${fault}`);
        answer(202, { component: name, fault });
        // Outside of this handler, so that nothing catches it, and once the answer is out.
        setTimeout(() => faults[fault](argument), 50);
      } else answer(404, { error: `${request.method} ${pathname} is not served here` });
    } catch (error) {
      console.error(`${request.method} ${pathname}: ${error.message}`);
      answer(500, { error: error.message });
    }
  });

  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
    console.log(`${name} listens on http://127.0.0.1:${server.address().port}`);
  });
}

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : JSON.parse(text);
}
