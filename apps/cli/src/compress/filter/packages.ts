/** Package lists and installs: names with versions. */
import { isErrorLine } from '../line/error-line.ts';
import { cutLine } from '../line/line.ts';
import type { CreateFilter } from './filter.ts';
import { createDocument, isObject } from './json-shape.ts';

const shownMax = 40;

const inTree = /^[\s│├└─┬+`|\\-]*((?:@[\w.-]+\/)?[\w.-]+)@(\d[^\s,)]*)/;
const frozen = /^([A-Za-z0-9][\w.-]*)==(\S+)$/;
const columns = /^((?:@[\w.-]+\/)?[A-Za-z0-9][\w.-]*)\s{1,80}v?(\d+(?:\.[\w+-]+)+)(?:\s|$)/;
const added = /^\+ ((?:@[\w.-]+\/)?[\w.-]+) v?(\d\S*)/;
const said =
  /^(?:added|removed|changed|up to date|audited|found|Packages:|Done in|\d+ (?:packages|vulnerabilities|high|moderate|low|critical)|Successfully|Requirement already|WARN|npm warn|warning|\[notice\]|deprecated)/i;

export const packages: CreateFilter = (drop) => {
  const shown: string[] = [];
  const lines: string[] = [];
  const document = createDocument(drop);
  let total = 0;
  let isDocument: boolean | undefined;
  const add = (name: string, version: string): boolean => {
    total++;
    if (shown.length >= shownMax) return false;
    shown.push(cutLine(`${name} ${version}`, 200));
    return true;
  };
  return {
    take(line) {
      const { text } = line;
      if (isDocument === undefined && text.trim() !== '') isDocument = /^\s*[{[]\s*(?:["{[]|$)/.test(text);
      if (isDocument) return document.take(line);
      const [, name, version = ''] = (isErrorLine(text, 'prefix') ? undefined : readPackage(text)) ?? [];
      if (name !== undefined) {
        if (!add(name, version)) drop(line);
      } else if (lines.length < 20 && said.test(text)) lines.push(cutLine(text));
      else drop(line);
    },
    end() {
      const parsed = isDocument ? document.parse() : undefined;
      for (const [name, version] of listed(parsed?.value)) add(name, version);
      if (total === 0 && lines.length === 0) {
        for (const line of document.lines) drop(line);
        return '';
      }
      const omitted = total - shown.length;
      const list = total === 0 ? [] : [`packages total=${total} shown=${shown.length}`, ...shown];
      return [...lines, ...list, ...(omitted > 0 ? [`... omitted ${omitted} packages ...`] : [])].join('\n');
    },
  };
};

const readPackage = (text: string) => inTree.exec(text) ?? frozen.exec(text) ?? added.exec(text) ?? columns.exec(text);

/** Packages of `npm ls --json`, `pip list --format json` and `npm outdated --json`. */
function listed(value: unknown): [string, string][] {
  if (Array.isArray(value)) {
    return value
      .filter(isObject)
      .flatMap((one) => [
        ...(typeof one.name === 'string' && one.version !== undefined
          ? [[one.name, String(one.version)] as [string, string]]
          : []),
        ...listed({ dependencies: { ...asObject(one.dependencies), ...asObject(one.devDependencies) } }),
      ]);
  }
  if (!isObject(value)) return [];
  const dependencies = isObject(value.dependencies) ? value.dependencies : value;
  return Object.entries(dependencies).flatMap(([name, one]) => {
    const version = isObject(one) ? (one.version ?? one.current) : undefined;
    return version === undefined ? [] : [[name, String(version)] as [string, string]];
  });
}

const asObject = (value: unknown): object => (isObject(value) ? value : {});
