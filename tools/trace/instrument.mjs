/** Puts a call that names the file at the beginning of every function of a TypeScript text. Lines stay where they are. */
import { parseSync, Visitor } from 'oxc-parser';

export function instrument(text, room) {
  const { program, errors } = parseSync(room, text);
  if (errors.length > 0) throw new Error(`${room}: ${errors[0].message}`);
  const note = `__enter(${JSON.stringify(room)})`;
  /** Offset → text to put there, in UTF-16 units as the parser counts them. */
  const inserts = [];
  const enter = ({ body }) => {
    if (!body) return; // an overload, or a method of an interface
    if (body.type === 'BlockStatement' || body.type === 'FunctionBody') {
      inserts.push([body.start + 1, `${note};`]);
    } else {
      inserts.push([body.start, `(${note},`], [body.end, ')']);
    }
  };
  new Visitor({
    FunctionDeclaration: enter,
    FunctionExpression: enter,
    ArrowFunctionExpression: enter,
  }).visit(program);
  let result = text;
  // Behind first; of two at one place the later one encloses the earlier.
  for (const [at, words] of inserts
    .map((insert, index) => [...insert, index])
    .sort((a, b) => b[0] - a[0] || a[2] - b[2]))
    result = result.slice(0, at) + words + result.slice(at);
  return result;
}
