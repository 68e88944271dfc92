export {
  type ChangeOptions,
  type Clock,
  type CommitOptions,
  systemClock,
  type Transaction,
} from './commit/transact.ts';
export { DurableError, type DurableErrorCode, type DurableErrorOptions, damage } from './file/error.ts';
export type { DurableLimits } from './file/limits.ts';
export { type Durable, type OpenDurableOptions, openDurable } from './file/open-durable.ts';
export {
  type AdoptedFile,
  type DurableEvent,
  type DurablePart,
  type DurableTable,
  type Given,
  lastLoss,
  type Row,
  type SalvageReport,
  type Sql,
  type Statement,
  type TableSalvage,
  type Value,
} from './file/part.ts';
export { createTell } from './file/tell.ts';
export { type DurableInspector, type InspectDurableOptions, inspectDurable } from './look/inspect-durable.ts';
export type { DurableLook, ExportTableOptions, VerifiedFile, VerifyFileOptions } from './look/look.ts';
