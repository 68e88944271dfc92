import { suites } from '../../vitest.base.ts';

// Data, and functions of data: no file leaves anything to the next one.
export default suites({ isolate: false });
