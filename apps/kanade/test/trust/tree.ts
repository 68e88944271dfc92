import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** All that lies below a directory: names, kinds, modes, times and contents. */
export function treeOf(path: string, skip: (path: string) => boolean = () => false): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(path)) {
    const at = `${path}/${name}`;
    if (skip(at)) continue;
    const { mode, mtimeMs } = lstatSync(at);
    found[at] = `${mode.toString(8)} ${mtimeMs}`;
    if (lstatSync(at).isFile()) found[at] += ` ${readFileSync(at, 'base64')}`;
    if (lstatSync(at).isSymbolicLink()) found[at] += ` ${readlinkSync(at)}`;
    if (lstatSync(at).isDirectory()) Object.assign(found, treeOf(at, skip));
  }
  return found;
}
