import { project } from '../../vitest.base.ts';

export default project({ globalSetup: 'test/build-program.ts' });
