import { errorTable } from '@kanade/klp';
import { localErrors } from '@kanade/shared/local';
import { expect, it } from 'vitest';

it('the protocol and the words of the agent have the same errors', () => {
  const words = Object.entries(localErrors).map(([kind, { code, message }]) => [kind, { code, message }]);
  expect(Object.fromEntries(words)).toEqual(errorTable);
});
