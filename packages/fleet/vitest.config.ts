import { project } from '../../vitest.base.ts';

// Its suites wait for brokers most of their time: one at a time would leave cores idle.
export default project({}, { maxWorkers: 2 });
