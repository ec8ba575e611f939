import { StorageError, type StorageErrorCode } from "@usr/storage";
import { RemoteError } from "../error.ts";
import { noLocks } from "../storage-site.ts";
import type { Reply } from "./wire.ts";

const HINTS: Readonly<Record<StorageErrorCode, string | undefined>> = {
  NOT_FOUND: undefined,
  EXISTS: undefined,
  CONFLICT: "Repeat the command.",
  LOCKED: "Wait for the other program to end, or raise the timeout.",
  RANGE: undefined,
  PATH_INVALID: "Move what is in the way at the other end.",
  NOT_SUPPORTED: undefined,
  FULL: "Free space at the other end (or raise the quota), then repeat the command.",
  READ_ONLY: "Choose a root at the other end that may be written to.",
  PERMISSION: "Check owner and mode of the file and of its folder at the other end.",
  TOO_MANY_FILES: "Raise the limit at the other end (ulimit -n).",
  IO: "Check the disk at the other end.",
};

/** What an `ok` says; any other reply as the error it stands for. */
export function okText(reply: Reply, label: string, path: string): string {
  if (reply.code === "ok") return reply.text;
  throw farError(reply, label, path);
}

function farError({ code, text }: Reply, label: string, path: string): Error {
  const details = { remote: label, path };
  if (text === "no flock") return noLocks(label, path);
  if (!isStorageCode(code)) {
    return new RemoteError("TRANSFER_FAILED", `${label} answered ${code} ${text} about ${path}.`, { details });
  }
  const what = text === "" ? `${path}: ${code}` : text.replace(/\.$/, "");
  return new StorageError(code, `${label}: ${what}.`, { hint: HINTS[code], details });
}

const isStorageCode = (code: string): code is StorageErrorCode => Object.hasOwn(HINTS, code);
