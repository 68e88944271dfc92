import * as job from '@kanade/shared/job';
import { corpusSuite, schemasOf } from './corpus-suite.ts';

corpusSuite({
  entry: 'job',
  schemas: schemasOf(job),
  strict: { JobMeta: job.strictJobMeta, JobStateFile: job.strictJobState },
});
