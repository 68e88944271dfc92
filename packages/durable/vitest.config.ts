import { suites } from '../../vitest.base.ts';

export default suites();
