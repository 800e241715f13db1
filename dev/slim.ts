import type { OutputChunk, Plugin } from 'rolldown';

/*
 * What a daemon would carry for years without using it. A module is read, compiled and kept whether its functions are
 * called or not; what is replaced here is never called by us, and the stories run against what is built.
 */

const nothing = 'module.exports = {};';

/** Modules by their place below node_modules, and what stands in for them. */
const standIns: Readonly<Record<string, string>> = {
  // Bodies are read by http/body.ts: no parsers, no character sets.
  'body-parser/index.js': nothing,
  // Queries are read by Node's own parser ('simple').
  'qs/lib/index.js': nothing,
  // No files are served.
  'send/index.js': nothing,
  'serve-static/index.js': nothing,
  // Ten thousand media types; these we answer with.
  'mime-db/index.js': `module.exports = {
    'application/json': { charset: 'UTF-8', compressible: true, extensions: ['json'] },
    'text/html': { compressible: true, extensions: ['html'] },
    'text/plain': { compressible: true, extensions: ['txt'] },
  };`,
  // Warnings to authors: they look at the call stack of every require.
  'depd/index.js': 'module.exports = () => Object.assign(() => {}, { function: (f) => f, property: () => {} });',
  'debug/src/index.js': 'module.exports = () => Object.assign(() => {}, { enabled: false });',
  // One process, scraped; no summaries.
  'prom-client/lib/cluster.js': 'module.exports = class AggregatorRegistry {};',
  'prom-client/lib/pushgateway.js': 'module.exports = class Pushgateway {};',
  'prom-client/lib/summary.js': 'module.exports = class Summary {};',
  // The log is written by this thread.
  'pino/lib/transport.js': 'module.exports = () => { throw new Error("transports are not part of the bundle"); };',
};

/**
 * An import of one name from these reads all of them, and some bring half of Node with them: `http` its WebSocket
 * with undici and HTTP/2, `crypto` the Web Crypto API.
 */
const builtins: Readonly<Record<string, readonly string[]>> = {
  'node:http': ['Agent', 'STATUS_CODES', 'createServer', 'get', 'request'],
  'node:crypto': [
    'createCipheriv',
    'createDecipheriv',
    'createHash',
    'createHmac',
    'createSecretKey',
    'hash',
    'hkdfSync',
    'randomBytes',
    'randomInt',
    'randomUUID',
    'timingSafeEqual',
  ],
  'node:buffer': ['isUtf8'],
};

/** What every daemon has loaded, with all that these import at their top. */
const always = /\/src\/(?:main|daemon|config\/index|supervisor\/state-thread)\.ts$/;
/** Not part of that: with TLS comes a thread that parses the certificates of every authority, two megabytes. */
const later = /^(?:node:)?(?:https|tls)$/;

const PREFIX = '\0taken:';
const NOTHING = '\0nothing';

/**
 * Leaves out of the bundle what is not used. Stops the build when a module to be replaced is not met, or one that is to
 * be loaded on its first use is loaded by all.
 */
export function slim(): Plugin {
  const missing = new Set(Object.keys(standIns));
  return {
    name: 'slim',
    resolveId(id, importer = '', { kind }) {
      // Spans of a request in metrics of the process: ours are drawn later, by telemetry/otel.ts alone.
      if (id === '@opentelemetry/api' && importer.includes('prom-client')) return NOTHING;
      // It is read with the first mail only, and takes them as a whole.
      if (importer.replaceAll('\\', '/').includes('/node_modules/nodemailer/')) return null;
      return kind === 'import-statement' && id in builtins ? PREFIX + id : null;
    },
    load(id) {
      if (id === NOTHING) return { code: nothing, moduleType: 'js' };
      const builtin = id.startsWith(PREFIX) ? id.slice(PREFIX.length) : '';
      if (builtin !== '') {
        const names = (builtins[builtin] ?? []).join(', ');
        return { code: `export const { ${names} } = process.getBuiltinModule('${builtin}');`, moduleType: 'js' };
      }
      const place = /^.*\/node_modules\/(.+)$/.exec(id.replaceAll('\\', '/'))?.[1] ?? '';
      const code = standIns[place];
      if (code === undefined) return null;
      missing.delete(place);
      return { code, moduleType: 'js' };
    },
    buildEnd() {
      if (missing.size > 0) throw new Error(`dev/slim.ts replaces what is not there: ${[...missing].join(', ')}`);
    },
    generateBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((part) => part.type === 'chunk');
      for (const chunk of chunks) chunk.code = ascii(chunk.code);
      for (const { fileName, imports } of loadedAlways(chunks))
        for (const id of imports)
          if (later.test(id)) throw new Error(`${fileName}: every daemon imports ${id}; import() it where it is used`);
    },
  };
}

/** A set that grows is walked to its new end. */
function loadedAlways(chunks: readonly OutputChunk[]): Iterable<OutputChunk> {
  const loaded = new Set(
    chunks.filter(({ moduleIds }) => moduleIds.some((id) => always.test(id.replaceAll('\\', '/')))),
  );
  for (const { imports } of loaded) for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk);
  return loaded;
}

/** One letter beyond Latin 1 and V8 takes two bytes for every other one of the file. */
const ascii = (code: string): string =>
  code.replaceAll(/[^\0-\x7f]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
