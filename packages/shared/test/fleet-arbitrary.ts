/** Documents of the fleet, made up: every optional field absent or present, and keys that nobody knows. */
import { fc } from './properties.ts';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}(\.[A-Za-z0-9_-]{1,6}){0,2}$/);
const text = fc.string({ unit: 'binary', maxLength: 20 });
const filled = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 10 }).filter((value) => value.trim() !== '');
const count = fc.nat();
const some = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { minLength: 1, maxLength: 3 });
const humantime = fc
  .tuple(fc.nat(999), fc.constantFrom('ms', 's', 'm', 'h', 'd', ' hours'))
  .map((parts) => parts.join(''));
const instant = fc
  .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  .chain((date) => fc.constantFrom(date.toISOString(), date.toISOString().replace(/\.\d+Z/, '+09:00')));
const number = fc.double({ min: 0, max: 1e9, noNaN: true });
const shell = fc.constantFrom('powershell', 'cmd', 'sh', 'pwsh', 'bash');
const runAs = fc.constantFrom('system', 'user', 'system_gui');
const priority = fc.constantFrom('info', 'warn', 'emergency', 'unknown');
const checkStatus = fc.constantFrom('ok', 'warn', 'fail', 'unknown');

type Fields = Record<string, fc.Arbitrary<unknown>>;

/** A document with its required fields, some of the others, and up to two fields of a later version. */
function doc(required: Fields, optional: Fields = {}): fc.Arbitrary<Record<string, unknown>> {
  const known = fc.record({ ...required, ...optional }, { requiredKeys: Object.keys(required) });
  const later = fc.dictionary(fc.stringMatching(/^later_[a-z]{1,5}$/), fc.jsonValue(), { maxKeys: 2 });
  return fc.tuple(later, known).map(([unknown, fields]) => ({ ...unknown, ...fields }));
}

const staleness = fc.oneof(
  doc({ mode: fc.constantFrom('cached', 'unchecked') }),
  doc({ mode: fc.constant('strict'), max_cache_age: humantime }),
);
const visibility = fc.oneof(doc({ all: fc.constant(true) }), doc({ groups: some(id) }, { pcs: some(id) }));
const origin = doc({ path: text }, { repo: text, script_file: text });
const alert = doc(
  { title: filled },
  {
    on: some(fc.constantFrom('warn', 'fail', 'unknown')),
    body: text,
    priority,
    notify_user: fc.boolean(),
    notify_groups: some(id),
    require_ack: fc.boolean(),
    toast: fc.boolean(),
    email: fc.boolean(),
  },
);
const emit = doc({ type: fc.constant('events') }, { watermark_path: text });
const check = doc(
  { name: id },
  { label: text, status_field: filled, troubleshoot: id, fleet: fc.boolean(), health: fc.boolean(), alert },
);
const collect = doc(
  { name: filled },
  { files_field: filled, max_size: fc.constantFrom('500KB', '50MB', '2GiB'), description: text },
);

const command = doc(
  { id: filled, version: text, request_id: filled, shell, script: text, timeout_secs: count },
  {
    exec_id: fc.option(text),
    jitter_secs: fc.option(count),
    script_object: text,
    script_object_sha256: text,
    run_as: runAs,
    cwd: text,
    deadline_at: instant,
    staleness,
    emit,
    check,
    collect,
    retry: doc({ max: fc.integer({ min: 1, max: 10 }), backoff_secs: count }),
    finalize: doc(
      { shell, script: text, timeout_secs: count },
      { run_as: runAs, cwd: text, on_each_bundle: fc.boolean() },
    ),
    bypass_local_limit: fc.boolean(),
  },
);

const manifest = doc(
  {
    id,
    version: filled,
    execute: doc(
      { shell, timeout: humantime },
      {
        script: text,
        script_file: text,
        script_object: text,
        run_as: runAs,
        cwd: text,
        bypass_local_limit: fc.boolean(),
      },
    ),
  },
  {
    description: text,
    client: doc(
      { name: filled, category: filled },
      {
        icon: text,
        category_label: text,
        category_order: fc.integer(),
        visible_to: visibility,
        show_when: doc({ check: id, is: fc.oneof(checkStatus, some(checkStatus)) }),
        confirm: fc.oneof(fc.boolean(), doc({}, { enabled: fc.boolean(), message: filled })),
        unlock: id,
      },
    ),
    staleness,
    require_approval: fc.boolean(),
    tags: fc.array(text),
    inventory: doc(
      {
        display: fc.array(
          doc(
            { field: filled, label: text },
            { type: fc.constantFrom('number', 'bytes', 'timestamp', 'table', 'unknown') },
          ),
        ),
      },
      { history_scalars: fc.array(filled) },
    ),
    emit,
    check,
    collect,
    finalize: doc({ shell, script: filled }, { timeout: humantime, on_each_bundle: fc.boolean() }),
    origin,
    aggregate: fc.jsonValue(),
    feed: some(doc({ id, field: filled, primary_key: some(filled) })),
    tier: fc.constantFrom('endpoint', 'controller', 'unknown'),
  },
);

const every = doc({ every: humantime });
const schedule = doc(
  {
    id,
    job_id: id,
    when: fc.oneof(
      doc({ per_pc: fc.oneof(fc.constantFrom('once', 'once_per_version'), every) }),
      doc({ per_target: fc.oneof(fc.constant('once'), every) }),
      doc({
        calendar: doc(
          { at: fc.constantFrom('00:00', '23:59', '2026-12-24 18:00', '2026/12/24T18:00') },
          { days: some(fc.constantFrom('mon', 'sat-tue', 'tue#2', 'friL')) },
        ),
      }),
      doc({ on: some(fc.constantFrom('startup', 'logon', 'lock', 'unlock', 'network_change')) }),
    ),
  },
  {
    target: visibility,
    rollout: doc({ strategy: fc.constant('wave'), waves: some(doc({ group: id, delay: humantime })) }),
    jitter: humantime,
    starting_deadline: humantime,
    deadline_at: instant,
    runs_on: fc.constantFrom('backend', 'agent'),
    tz: fc.constantFrom('local', 'utc'),
    active: doc({}, { from: fc.oneof(instant, fc.constant('2026-05-01')), until: instant }),
    constraints: doc(
      {},
      {
        window: fc.constantFrom('22:00-05:00', '08:00-17:00'),
        max_concurrent: fc.integer({ min: 1, max: 9 }),
        skip_dates: fc.array(text),
        require: doc({}, { ac_power: fc.boolean(), idle: humantime, cpu_below: fc.integer({ min: 1, max: 100 }) }),
      },
    ),
    on_failure: doc({}, { retry: doc({ max: fc.integer({ min: 1, max: 10 }), backoff: humantime }) }),
    enabled: fc.boolean(),
    tags: fc.array(text),
    origin,
  },
);

const stamp = { pc_id: text, at: instant };
const supportCode = doc({ scope: text, hash: text }, { label: fc.option(text), ttl_minutes: fc.option(fc.integer()) });

/** Type → documents of it. */
export const fleetDocuments: Record<string, fc.Arbitrary<Record<string, unknown>>> = {
  Command: command,
  Manifest: manifest,
  Schedule: schedule,
  CommandEnvelope: fc.record({
    kind: fc.constant('kanade.command.v2'),
    target_pc_id: filled,
    expires_at: instant,
    command,
  }),
  ExecResult: doc(
    {
      result_id: filled,
      request_id: text,
      pc_id: text,
      exit_code: fc.integer(),
      stdout: text,
      stderr: text,
      started_at: instant,
      finished_at: instant,
    },
    {
      exec_id: fc.option(text),
      parent_result_id: text,
      skipped: fc.boolean(),
      stdout_object: text,
      collect_object: text,
    },
  ),
  EventStarted: doc(
    { result_id: text, request_id: text, exec_id: text, pc_id: text, started_at: instant },
    { manifest_id: text, version: text },
  ),
  ObsEvent: doc({ ...stamp, kind: text, source: text }, { event_record_id: fc.option(text), payload: fc.jsonValue() }),
  Heartbeat: doc(
    { ...stamp, agent_version: text },
    {
      hostname: text,
      agent_cpu_pct: number,
      agent_rss_bytes: count,
      quarantined_versions: fc.array(text),
      target_version: text,
      update: doc({ state: text }, { version: text, reason: text, fetched_bytes: count }),
      command_keys: fc.array(text),
      enforcing: fc.boolean(),
      command_protocols: fc.array(text),
    },
  ),
  HostPerf: doc(stamp, { cpu_pct: number, cpu_count: count, mem_used_bytes: count, net_rx_bytes_per_sec: number }),
  Notification: doc(
    { id: text, priority, title: text, body: text, issued_at: instant },
    { require_ack: fc.boolean(), toast: fc.boolean(), expires_at: instant, acks_reset_at: instant },
  ),
  ConfigScope: doc(
    {},
    {
      max_local_concurrent: fc.option(fc.integer({ min: 1, max: 64 })),
      target_version: fc.option(text),
      heartbeat_interval: text,
      process_perf_enabled: fc.option(fc.boolean()),
      process_perf_expires_at: instant,
    },
  ),
  ServerSettings: doc({}, { agent_prune_days: fc.option(count), support_codes: fc.array(supportCode) }),
};
