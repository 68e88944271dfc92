import { type Manifest, strictManifest } from '@kanade/shared/manifest';
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { ManifestFault } from '../fault/fleet-error.ts';

/** Largest source of a manifest, in bytes: manifest and order must fit into one NATS message (1 MiB). */
export const manifestBytesMax = 524_288;
/** How often aliases may be expanded in one source: enough for people, too little for an alias bomb. */
const aliasCountMax = 100;

export type ParsedManifest =
  | { readonly ok: true; readonly manifest: Manifest; readonly document: Document; lineOf(path: string): number }
  | { readonly ok: false; readonly faults: readonly SourceFault[] };

type SourceFault = Required<ManifestFault>;

/** Parses the YAML source of a job strictly: every fault at once, each with key and line. Never throws. */
export function parseManifest(yamlText: string): ParsedManifest {
  const bytes = Buffer.byteLength(yamlText);
  if (bytes > manifestBytesMax) {
    return refuse({
      path: '',
      message: `the manifest is too large: ${bytes} bytes, at most ${manifestBytesMax}`,
      line: 1,
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(yamlText, { lineCounter: lines });
  const broken = [...document.errors, ...document.warnings].map((error) => ({
    path: '',
    message: `not valid YAML: ${error.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '')}`,
    line: lines.linePos(error.pos[0]).line,
  }));
  if (broken.length > 0) return { ok: false, faults: broken };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: aliasCountMax });
  } catch (error) {
    return refuse({ path: '', message: `not valid YAML: ${error instanceof Error ? error.message : error}`, line: 1 });
  }
  const parsed = strictManifest(value);
  const lineOf = (path: string): number => lines.linePos(offsetOf(path, document)).line;
  if (parsed.ok) return { ok: true, manifest: parsed.manifest, document, lineOf };
  const faults = parsed.faults.map((fault) => ({ ...fault, line: lineOf(fault.path) }));
  return { ok: false, faults: faults.sort((a, b) => a.line - b.line) };
}

function refuse(fault: SourceFault): ParsedManifest {
  return { ok: false, faults: [fault] };
}

/** Where the key that a path names begins; the nearest block around it when the key is missing. */
function offsetOf(path: string, document: Document): number {
  let rest = path === '' ? [] : path.split('.');
  let node: unknown = document.contents;
  let offset = (node as Node | null)?.range?.[0] ?? 0;
  while (rest.length > 0) {
    const step = descend(node, rest);
    if (!step) break;
    node = step.value;
    offset = step.offset;
    rest = rest.slice(step.taken);
  }
  return offset;
}

interface Step {
  readonly value: unknown;
  readonly offset: number;
  /** How many parts of the path the key took: keys may hold dots themselves. */
  readonly taken: number;
}

function descend(node: unknown, rest: readonly string[]): Step | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(rest[0])];
    return item ? { value: item, offset: (item as Node).range?.[0] ?? 0, taken: 1 } : undefined;
  }
  if (!isMap(node)) return undefined;
  for (let taken = rest.length; taken > 0; taken--) {
    const wanted = rest.slice(0, taken).join('.');
    const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === wanted);
    if (pair) return { value: pair.value, offset: (pair.key as Node).range?.[0] ?? 0, taken };
  }
  return undefined;
}
