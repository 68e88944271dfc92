/** The words of the fleet reference's sections 2 to 4, whichever entry has them. */
import * as fleet from '@kanade/shared/fleet';
import * as manifest from '@kanade/shared/manifest';
import * as schedule from '@kanade/shared/schedule';
import type * as z from 'zod';
import { schemasOf } from './corpus-suite.ts';

export const fleetSchemas: Record<string, z.ZodType> = schemasOf({ ...fleet, ...manifest, ...schedule });
