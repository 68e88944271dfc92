import { project } from '../../vitest.base.ts';

// Its suites wait for machines and brokers most of their time: one at a time would leave cores idle.
export default project({ globalSetup: 'test/build-program.ts' }, { maxWorkers: 2 });
