import { expect, it } from 'vitest';
import { fence, unfence } from './fence.ts';

const both = `log line\n${fence('CHECK', '{"status":"ok"}')}noise\n${fence('INVENTORY', '{\n  "os": "x"\n}')}`;

it.each([
  ['between its markers', both, { found: 'fenced', text: '{"status":"ok"}' }],
  ['with Windows line ends', both.replaceAll('\n', '\r\n'), { found: 'fenced', text: '{"status":"ok"}\r' }],
  ['the whole output without any marker', ' {"status":"ok"}\n', { found: 'bare', text: '{"status":"ok"}' }],
  ['nothing when only others have markers', fence('FEED', '{}'), { found: 'none' }],
  ['nothing in an empty output', ' \n', { found: 'none' }],
  ['that the end is missing', '#KANADE-CHECK-BEGIN\n{"status":', { found: 'unclosed' }],
  ['the first of two blocks', fence('CHECK', '1') + fence('CHECK', '2'), { found: 'fenced', text: '1' }],
])('unfence() finds %s', (_name, stdout, found) => {
  expect(unfence('CHECK', stdout)).toEqual(found);
});

it('a marker inside of a line is text', () => {
  expect(unfence('CHECK', 'echo #KANADE-CHECK-BEGIN')).toMatchObject({ found: 'bare' });
});
