/** The three hot messages in two other validators: the same keys and rules as ours; blocks that the samples lack are any object. */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import * as v from 'valibot';

const shells = ['powershell', 'cmd', 'sh', 'pwsh', 'bash'];
const users = ['system', 'user', 'system_gui'];
const statuses = ['queued', 'running', 'completed', 'failed', 'killed'];

function valibotSchemas() {
  const text = v.string();
  const maybe = v.optional(text);
  const seconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
  const instant = v.pipe(text, v.isoTimestamp());
  const block = v.optional(v.looseObject({}));
  const status = v.pipe(
    text,
    v.transform((given) => (statuses.includes(given) ? given : 'unknown')),
  );
  const staleness = v.variant('mode', [
    v.looseObject({ mode: v.literal('cached') }),
    v.looseObject({ mode: v.literal('strict'), max_cache_age: text }),
    v.looseObject({ mode: v.literal('unchecked') }),
  ]);
  return {
    Command: v.looseObject({
      id: v.pipe(text, v.minLength(1)),
      version: text,
      request_id: v.pipe(text, v.minLength(1)),
      exec_id: v.nullish(text),
      shell: v.picklist(shells),
      script: text,
      script_object: maybe,
      script_object_sha256: maybe,
      timeout_secs: seconds,
      jitter_secs: v.nullish(seconds),
      run_as: v.optional(v.picklist(users)),
      cwd: maybe,
      deadline_at: v.optional(instant),
      staleness: v.optional(staleness),
      emit: block,
      check: block,
      collect: block,
      retry: v.optional(v.looseObject({ max: seconds, backoff_secs: seconds })),
      finalize: block,
      bypass_local_limit: v.optional(v.boolean()),
    }),
    ExecResult: v.looseObject({
      result_id: v.optional(text, ''),
      request_id: text,
      exec_id: v.nullish(text),
      parent_result_id: maybe,
      pc_id: text,
      exit_code: v.pipe(v.number(), v.safeInteger()),
      skipped: v.optional(v.boolean()),
      stdout: text,
      stderr: text,
      started_at: instant,
      finished_at: instant,
      stdout_object: maybe,
      stderr_object: maybe,
      manifest_id: maybe,
      collect_object: maybe,
      ending: maybe,
    }),
    JobProgress: v.looseObject({
      run_id: text,
      status,
      stdout_chunk: maybe,
      stderr_chunk: maybe,
      exit_code: v.optional(v.pipe(v.number(), v.safeInteger())),
      job_id: maybe,
      started_at: v.optional(instant),
      finished_at: v.optional(instant),
    }),
  };
}

function typeboxSchemas() {
  const text = Type.String();
  const maybe = Type.Optional(text);
  const seconds = Type.Integer({ minimum: 0 });
  const instant = Type.String({ format: 'date-time' });
  const block = Type.Optional(Type.Object({}));
  const one = (values) => Type.Union(values.map((value) => Type.Literal(value)));
  const staleness = Type.Union([
    Type.Object({ mode: Type.Literal('cached') }),
    Type.Object({ mode: Type.Literal('strict'), max_cache_age: text }),
    Type.Object({ mode: Type.Literal('unchecked') }),
  ]);
  const schemas = {
    Command: Type.Object({
      id: Type.String({ minLength: 1 }),
      version: text,
      request_id: Type.String({ minLength: 1 }),
      exec_id: Type.Optional(Type.Union([text, Type.Null()])),
      shell: one(shells),
      script: text,
      script_object: maybe,
      script_object_sha256: maybe,
      timeout_secs: seconds,
      jitter_secs: Type.Optional(Type.Union([seconds, Type.Null()])),
      run_as: Type.Optional(one(users)),
      cwd: maybe,
      deadline_at: Type.Optional(instant),
      staleness: Type.Optional(staleness),
      emit: block,
      check: block,
      collect: block,
      retry: Type.Optional(Type.Object({ max: seconds, backoff_secs: seconds })),
      finalize: block,
      bypass_local_limit: Type.Optional(Type.Boolean()),
    }),
    ExecResult: Type.Object({
      result_id: maybe,
      request_id: text,
      exec_id: Type.Optional(Type.Union([text, Type.Null()])),
      parent_result_id: maybe,
      pc_id: text,
      exit_code: Type.Integer(),
      skipped: Type.Optional(Type.Boolean()),
      stdout: text,
      stderr: text,
      started_at: instant,
      finished_at: instant,
      stdout_object: maybe,
      stderr_object: maybe,
      manifest_id: maybe,
      collect_object: maybe,
      ending: maybe,
    }),
    JobProgress: Type.Object({
      run_id: text,
      status: text,
      stdout_chunk: maybe,
      stderr_chunk: maybe,
      exit_code: Type.Optional(Type.Integer()),
      job_id: maybe,
      started_at: Type.Optional(instant),
      finished_at: Type.Optional(instant),
    }),
  };
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, Compile(schema)]));
}

/** Name of the library → message → function that takes a parsed value and throws when it is not one. */
export function peerValidators() {
  const valibot = valibotSchemas();
  const typebox = typeboxSchemas();
  return {
    valibot: (message) => (value) => v.parse(valibot[message], value),
    typebox: (message) => (value) => {
      if (!typebox[message].Check(value)) throw new Error(`not a ${message}`);
      return value;
    },
  };
}
