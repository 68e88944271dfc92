import * as local from '@kanade/shared/local';
import { corpusSuite, schemasOf } from './corpus-suite.ts';

corpusSuite({ entry: 'local', schemas: schemasOf(local) });
