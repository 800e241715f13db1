import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown, type OutputChunk } from 'rolldown';
import { slim } from './slim.ts';

/*
 * `npm run build`: dist/ as it is published. Our modules and the libraries are put into few files, because reading
 * hundreds of small ones is half of a daemon's start; what is native stays outside. The types come from tsc.
 */

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');
const NATIVE = ['better-sqlite3', 'koffi'];
/** Installed by those who need it. */
const OPTIONAL = ['@kubernetes/client-node'];

rmSync(DIST, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: ROOT,
  platform: 'node',
  external: [...NATIVE, ...OPTIONAL],
  plugins: [slim()],
  input: {
    main: 'src/main.ts',
    index: 'src/index.ts',
    'client/index': 'src/client/index.ts',
    // Found beside the file that starts it, in src/ as in dist/: chunks must lie beside it too.
    'state-thread': 'src/supervisor/state-thread.ts',
  },
});
const { output } = await bundle.write({
  dir: DIST,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: '[name]-[hash].js',
  // V8 keeps the text of what it runs. Names of functions stay, so that a stack still tells who called whom.
  comments: false,
  minify: {
    compress: false,
    mangle: { toplevel: false, keepNames: { function: true, class: true } },
    codegen: { removeWhitespace: true },
  },
});
writeFileSync(
  join(DIST, 'LICENSES.txt'),
  licences(output.filter((part): part is OutputChunk => part.type === 'chunk')),
);
execFileSync('tsc', ['-p', 'tsconfig.build.json'], {
  cwd: ROOT,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});

/** The licence of every package that is inside, as their authors ask. */
function licences(chunks: readonly OutputChunk[]): string {
  const folders = new Set(
    chunks.flatMap(({ moduleIds }) =>
      moduleIds.flatMap((id) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id.replaceAll('\\', '/'))?.[0] ?? []),
    ),
  );
  const texts = [...folders].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
      string,
      string
    >;
    const file = existsSync(folder)
      ? readdirSync(folder).find((entry) => /^(licen[sc]e|copying)/i.test(entry))
      : undefined;
    return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()}\n`;
  });
  return `The files of this folder contain these packages:\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
