import * as local from '@kanade/shared/local';
import { expect, it } from 'vitest';
import type * as z from 'zod';
import { corpusSuite, schemasOf } from './corpus-suite.ts';
import { optionalFields, readWithNull } from './optional-fields.ts';

corpusSuite({ entry: 'local', schemas: schemasOf(local) });

it.each(optionalFields(schemasOf(local), 'local'))('null in $type.$key reads as the field left out', (field) => {
  expect(readWithNull(field)).toEqual(field.without);
});

/** The fields of params, whether or not these may be left out as a whole. */
function shapeOf(params: z.ZodType): Record<string, z.ZodType> {
  const { innerType, shape } = params._zod.def as { innerType?: z.ZodType; shape?: Record<string, z.ZodType> };
  return innerType ? shapeOf(innerType) : (shape ?? {});
}

it('params that may be left out may be null', () => {
  const nullable = Object.entries(local.localContract.methods).flatMap(([method, { params }]) =>
    Object.entries(shapeOf(params))
      .filter(([, field]) => field.safeParse(null).success)
      .map(([key]) => `${method} ${key}`),
  );
  expect(nullable).toEqual([
    'system.handshake features',
    'system.log_tail lines',
    'notifications.list filter',
    'notifications.list limit',
    'notifications.list cursor',
    'jobs.list category',
    'jobs.list cursor',
    'jobs.output from',
    'jobs.subscribe since',
    'support.preview_diagnostics summary',
    'support.preview_diagnostics detail',
    'support.preview_diagnostics contact',
    'support.upload_diagnostics summary',
    'support.upload_diagnostics detail',
    'support.upload_diagnostics contact',
    'support.upload_diagnostics preview',
    'maintenance.list window_days',
  ]);
});
