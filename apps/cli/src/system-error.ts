import { StorageError, type StorageErrorCode } from "@usr/storage";
import { UsageError } from "./errors.ts";

const REFUSALS: ReadonlyMap<string, readonly [StorageErrorCode, string, string]> = new Map([
  ["ENOENT", ["NOT_FOUND", "it does not exist", "Check the path."]],
  ["EACCES", ["PERMISSION", "permission denied", "Check owner and mode of the file and of its folder."]],
  ["EPERM", ["PERMISSION", "permission denied", "Check owner and mode of the file and of its folder."]],
  ["EROFS", ["READ_ONLY", "the file system is read-only", "Choose a place that can be written."]],
  ["ENOSPC", ["FULL", "the disk is full", "Free space, then repeat the command."]],
  ["EDQUOT", ["FULL", "the quota is used up", "Free space, then repeat the command."]],
  ["EMFILE", ["TOO_MANY_FILES", "too many open files", "Raise the limit (ulimit -n)."]],
  ["ENFILE", ["TOO_MANY_FILES", "too many open files", "Close other programs, or raise the limit."]],
]);

/** Names that no file can have, and places where none can be: wrongly typed. */
const IMPOSSIBLE: ReadonlyMap<string, readonly [string, string]> = new Map([
  ["ENAMETOOLONG", ["the name is too long", "Type a shorter path."]],
  ["ENOTDIR", ["a part of the path is a file", "Name a file in a folder."]],
  ["EISDIR", ["it is a folder", "Name a file."]],
  ["ELOOP", ["its symbolic links go in circles", "Name the file itself."]],
  ["ERR_INVALID_ARG_VALUE", ["it holds a character that no path can hold", "Type another path."]],
]);

/** A refusal of the operating system about a file that was named on the command line, as an error with a way out; others unchanged. */
export const aboutFile = (error: unknown, action: string, path: string): unknown => {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  if (!("syscall" in error) && error.code !== "ERR_INVALID_ARG_VALUE") return error;
  const details = { path, action, errno: error.code };
  const impossible = IMPOSSIBLE.get(error.code);
  if (impossible !== undefined)
    return new UsageError(`cannot ${action} ${path}: ${impossible[0]}`, { hint: impossible[1], details, cause: error });
  const [code, reason, hint] = REFUSALS.get(error.code) ?? [
    "IO",
    `the system said ${error.code}`,
    "Check the disk and its connection.",
  ];
  return new StorageError(code, `cannot ${action} ${path}: ${reason}`, { hint, details, cause: error });
};
