import { project } from '../vitest.base.ts';

export default project({ testTimeout: 120_000 });
