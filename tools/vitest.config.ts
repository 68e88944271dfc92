import { suites } from '../vitest.base.ts';

export default suites({ testTimeout: 120_000 });
