/** What is said of a configuration file, for people. Pure. */
import type { Remark } from './document.ts';

/** `path:line:column: key: what is wrong; did you mean KEY?` */
export function remarkLine(path: string, { line, column, key, message, suggestion }: Remark): string {
  const place = line === undefined ? path : `${path}:${line}:${column}`;
  const named = key === undefined ? '' : `${key}: `;
  return `${place}: ${named}${message}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`;
}

/** Why an agent does not start with a file: every fault on a line of its own, and what to do. */
export function fileRefusal(path: string, faults: readonly Remark[]): string {
  const lines = faults.map((fault) => `  ${remarkLine(path, fault)}\n`);
  return `the configuration file cannot be used, so nothing was started\n${lines.join('')}mend it; kanade agent config check says whether it is sound\n`;
}
