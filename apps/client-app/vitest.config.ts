import { project } from '../../vitest.base.ts';

// What is judged in a browser shares two pages of it.
export default project({ maxConcurrency: 2 });
