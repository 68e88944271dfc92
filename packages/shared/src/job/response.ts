import * as z from 'zod';
import { type Read, strictAs } from '../scalar/strict.ts';
import { DeleteResponse, GcResponse, KillResponse, NotifySetResponse, TagSetResponse } from './change-response.ts';
import { CreateResponse, RestartResponse, RunResponse, StartResponse } from './launch-response.ts';
import { ListResponse, StatusResponse, TailResponse, WaitResponse } from './look-response.ts';
import { QueueListResponse, QueueSetResponse } from './queue-response.ts';
import { ErrorResponse, HealthResponse, InstallSkillsResponse, SchemaResponse } from './tool-response.ts';

/** The `type` of an answer → its schema. `ps` answers as `list`. */
export const jobResponses = {
  run: RunResponse,
  start: StartResponse,
  restart: RestartResponse,
  create: CreateResponse,
  status: StatusResponse,
  tail: TailResponse,
  wait: WaitResponse,
  kill: KillResponse,
  list: ListResponse,
  tag_set: TagSetResponse,
  'notify.set': NotifySetResponse,
  delete: DeleteResponse,
  gc: GcResponse,
  schema: SchemaResponse,
  install_skills: InstallSkillsResponse,
  'queue.list': QueueListResponse,
  'queue.set': QueueSetResponse,
  error: ErrorResponse,
  health: HealthResponse,
} as const;

/** Any answer of the command line and its HTTP door, told apart by `type`. Unknown keys are kept. */
export const JobResponse = z.discriminatedUnion('type', Object.values(jobResponses) as ResponseSchemas);
export type JobResponse = z.infer<typeof JobResponse>;

type ResponseSchema = (typeof jobResponses)[keyof typeof jobResponses];
type ResponseSchemas = [ResponseSchema, ...ResponseSchema[]];

/**
 * Holds an answer that is about to be printed to the contract: every fault with its path, keys that the contract does not
 * name among them.
 */
export function strictJobResponse(value: unknown): Read<JobResponse> {
  return strictAs(JobResponse, value);
}
