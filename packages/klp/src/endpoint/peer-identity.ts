/*
 * Who is at the other end of a local socket, by the operating system's word. The one file that differs by runtime: `bun:ffi` on Bun (a compiled
 * executable cannot load koffi), koffi on Node. Linux is tested; macOS is written from its headers and has not been run.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { SocketError } from './address.ts';
import { userName } from './user-policy.ts';

export interface LocalPeer {
  /** For display: the account's name, or `uid-<n>` when /etc/passwd has none. */
  user: string;
  /** For decisions, grants and audit: `uid-<n>`. */
  userKey: string;
  uid: number;
  gid: number;
  /** 0 when the process is in another pid namespace. */
  pid: number;
  /** Linux: when the process started, in clock ticks since boot. Tells a reused pid from the one that connected; compare, never compute. */
  startTime?: string;
}

/** Reads the credentials of connected sockets. Throws when the operating system does not say. */
export type PeerReader = (socket: Socket) => LocalPeer;

interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly pid: number;
}

/** At a server, of who connected; at a client, of who listens. Throws when the operating system does not say. */
export type CredentialReader = (socket: Socket) => Credentials;

type GetSockOpt = (fd: number, question: { level: number; option: number; answer: Uint8Array }) => boolean;

/** Prepares the reader. Throws `peer_identity_unavailable` where it cannot be had: Windows, or Node without koffi. */
export function openPeerReader(path: string): PeerReader {
  const readCredentials = openCredentialReader(path);
  return (socket) => {
    const { uid, gid, pid } = readCredentials(socket);
    const startTime = process.platform === 'linux' ? readStartTime(pid) : undefined;
    const user = userName(readPasswd(), uid) ?? `uid-${uid}`;
    return { user, userKey: `uid-${uid}`, uid, gid, pid, ...(startTime === undefined ? {} : { startTime }) };
  };
}

/** The same without a look at accounts and processes. */
export function openCredentialReader(path: string): CredentialReader {
  getSockOpt ??= openGetSockOpt(path);
  const call = getSockOpt;
  const asked = process.platform === 'darwin' ? askMacos : askLinux;
  return (socket) => asked(call, descriptorOf(socket));
}

/** Opened once: a client dials again and again. */
let getSockOpt: GetSockOpt | undefined;

function askLinux(call: GetSockOpt, fd: number): Credentials {
  // SOL_SOCKET, SO_PEERCRED → struct ucred { pid_t pid; uid_t uid; gid_t gid; }
  const ucred = ask(call, fd, { level: 1, option: 17, answer: new Uint8Array(12) });
  return { pid: ucred.getInt32(0, true), uid: ucred.getUint32(4, true), gid: ucred.getUint32(8, true) };
}

function askMacos(call: GetSockOpt, fd: number): Credentials {
  // SOL_LOCAL, LOCAL_PEERCRED → struct xucred { u_int version; uid_t uid; short ngroups; gid_t groups[16]; }
  const xucred = ask(call, fd, { level: 0, option: 1, answer: new Uint8Array(76) });
  if (xucred.getUint32(0, true) !== 0)
    throw new Error(`read peer credentials: xucred version ${xucred.getUint32(0, true)}`);
  // SOL_LOCAL, LOCAL_PEERPID → pid_t
  const pid = ask(call, fd, { level: 0, option: 2, answer: new Uint8Array(4) });
  return { uid: xucred.getUint32(4, true), gid: xucred.getUint32(12, true), pid: pid.getInt32(0, true) };
}

function ask(call: GetSockOpt, fd: number, question: Parameters<GetSockOpt>[1]): DataView {
  if (!call(fd, question)) {
    throw new Error(`read peer credentials: getsockopt(${fd}, ${question.level}, ${question.option}) failed`);
  }
  return new DataView(question.answer.buffer);
}

function openGetSockOpt(path: string): GetSockOpt {
  if (process.platform !== 'linux' && process.platform !== 'darwin') {
    throw unavailable(path, `not written for ${process.platform}`);
  }
  try {
    return process.versions.bun === undefined ? openWithKoffi() : openWithBun();
  } catch (cause) {
    throw unavailable(path, 'no way to call getsockopt; on Node install the optional package koffi', cause);
  }
}

function unavailable(path: string, detail: string, cause?: unknown): SocketError {
  const message = `establish the identity of peers: ${path}: ${detail}; without it nothing is served`;
  return new SocketError('peer_identity_unavailable', path, { message, cause });
}

/** A require that bundlers do not follow: koffi stays outside, `bun:ffi` exists on Bun only. In a CommonJS bundle there is no import.meta. */
function load(name: string): unknown {
  return createRequire(typeof __filename === 'string' ? __filename : import.meta.url)(name);
}

interface Koffi {
  load(path: null): { func(signature: string): (...args: unknown[]) => number };
}

function openWithKoffi(): GetSockOpt {
  const library = (load('koffi') as Koffi).load(null);
  const call = library.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)');
  return (fd, { level, option, answer }) => {
    const length = new Uint32Array([answer.length]);
    return call(fd, level, option, answer, length) === 0 && length[0] === answer.length;
  };
}

interface BunFfi {
  dlopen(path: string, symbols: object): { symbols: { getsockopt(...args: unknown[]): number } };
  ptr(view: ArrayBufferView): unknown;
}

function openWithBun(): GetSockOpt {
  const ffi = load('bun:ffi') as BunFfi;
  const { getsockopt } = openBunLibrary(ffi).symbols;
  return (fd, { level, option, answer }) => {
    const length = new Uint32Array([answer.length]);
    return getsockopt(fd, level, option, ffi.ptr(answer), ffi.ptr(length)) === 0 && length[0] === answer.length;
  };
}

function openBunLibrary(ffi: BunFfi): ReturnType<BunFfi['dlopen']> {
  const symbols = { getsockopt: { args: ['i32', 'i32', 'i32', 'ptr', 'ptr'], returns: 'i32' } };
  if (process.platform === 'darwin') return ffi.dlopen('libSystem.B.dylib', symbols);
  try {
    return ffi.dlopen('libc.so.6', symbols);
  } catch {
    // musl names its only library after the machine.
    return ffi.dlopen(`libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`, symbols);
  }
}

function descriptorOf(socket: Socket): number {
  // Private, but the same on Node and Bun; there is no public way to a connection's descriptor.
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  if (typeof fd === 'number' && fd >= 0) return fd;
  throw new Error('read peer credentials: the socket has no descriptor any more');
}

function readStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22; the second field is the program's name in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    // The process is gone, in another pid namespace, or hidden: the credentials stand without it.
    return undefined;
  }
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    // Only the name for display comes from here.
    return '';
  }
}
