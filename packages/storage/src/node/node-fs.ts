/// <reference types="node" />
import * as fs from "node:fs";
import type { DiskFile, DiskFs } from "./fs.ts";

/*
 * The calls of `node:fs` with callbacks, as promises. `node:fs/promises` is the same to look at, but loads what watches folders and reads lines:
 * a sixth of the start of node itself.
 */

type Done<T> = (error: Error | null, value: T) => void;

const called = <T>(call: (done: Done<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });

export const nodeFs: DiskFs = {
  open: async (name, flags, mode) => fileOf(await called<number>((done) => fs.open(name, flags, mode, done))),
  mkdir: (name, o) => called((done) => fs.mkdir(name, o, done)),
  rmdir: (name) => called<void>((done) => fs.rmdir(name, (error) => done(error))),
  readdir: (name, o) => called((done) => fs.readdir(name, o, done)),
  copyFile: (from, to, mode) => called<void>((done) => fs.copyFile(from, to, mode, (error) => done(error))),
  rename: (from, to) => called<void>((done) => fs.rename(from, to, (error) => done(error))),
  link: (from, to) => called<void>((done) => fs.link(from, to, (error) => done(error))),
  unlink: (name) => called<void>((done) => fs.unlink(name, (error) => done(error))),
  lstat: (name, o) => called((done) => fs.lstat(name, o, done)),
  stat: (name, o) => called((done) => fs.stat(name, o, done)),
  realpath: (name) => called((done) => fs.realpath.native(name, done)),
};

/** An open file by its number, which the system gives to another file once it is closed: nothing is asked of it after, and nothing is under way then. */
function fileOf(descriptor: number): DiskFile {
  let busy = 0;
  let closed: Promise<void> | undefined;
  let idle = (): void => {};
  const ask = async <T>(syscall: string, call: (done: Done<T>) => void): Promise<T> => {
    if (closed !== undefined) throw Object.assign(new Error("The file is closed."), { code: "EBADF", syscall });
    busy++;
    try {
      return await called(call);
    } finally {
      busy--;
      if (busy === 0) idle();
    }
  };
  const close = async (): Promise<void> => {
    if (busy > 0)
      await new Promise<void>((resolve) => {
        idle = resolve;
      });
    await called<void>((done) => fs.close(descriptor, (error) => done(error ?? null)));
  };
  return {
    read: async (bytes, offset, length, position) => ({
      bytesRead: await ask<number>("read", (done) => fs.read(descriptor, bytes, offset, length, position, done)),
    }),
    write: async (bytes, offset, length, position) => ({
      bytesWritten: await ask<number>("write", (done) => fs.write(descriptor, bytes, offset, length, position, done)),
    }),
    truncate: (length) => ask<void>("ftruncate", (done) => fs.ftruncate(descriptor, length, (error) => done(error))),
    sync: () => ask<void>("fsync", (done) => fs.fsync(descriptor, (error) => done(error))),
    stat: (o) => ask("fstat", (done) => fs.fstat(descriptor, o, done)),
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
