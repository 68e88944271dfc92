export { type OpenTraceOptions, openTraceFile, type TraceFile, traceBytesMax } from './trace/file.ts';
export { formatTrace, type TraceShape } from './trace/format.ts';
