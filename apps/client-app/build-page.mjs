import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packageFile = new URL('package.json', import.meta.url);
const webDir = fileURLToPath(new URL('src/web/', import.meta.url));

/**
 * Builds the page from src/web.
 * @param {{ minify?: boolean }} [options] minified unless told otherwise
 * @returns {Promise<{ html: string, js: string, css: string, version: string }>}
 */
export async function buildPage({ minify = true } = {}) {
  const result = await build({
    absWorkingDir: webDir,
    entryPoints: { app: 'main.tsx', 'app.style': 'style/page.css' },
    outdir: 'out',
    write: false,
    bundle: true,
    minify,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox121', 'safari17'],
    conditions: ['@kanade/source'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const text = (suffix) => result.outputFiles.find((file) => file.path.endsWith(suffix)).text;
  const { version } = JSON.parse(await readFile(packageFile, 'utf8'));
  return {
    version,
    html: await readFile(`${webDir}index.html`, 'utf8'),
    js: text('app.js'),
    css: text('app.style.css'),
  };
}

/**
 * Lets a bundled program import the page: `import { page } from '#page'`.
 * @returns {import('esbuild').Plugin}
 */
export function pagePlugin() {
  return {
    name: 'kanade-page',
    setup(bundler) {
      bundler.onResolve({ filter: /^#page$/ }, ({ path }) => ({ path, namespace: 'kanade-page' }));
      bundler.onLoad({ filter: /.*/, namespace: 'kanade-page' }, async () => ({
        contents: await pageModule(),
        loader: 'js',
      }));
    },
  };
}

const pageModule = async () => `export const page = ${JSON.stringify(await buildPage())};\n`;

// Run by itself it makes the file that the packed program imports.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(new URL('dist/page.js', import.meta.url), await pageModule());
}
