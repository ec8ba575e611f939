/// <reference types="node" />
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program lies, on the PATH or among those of the system's administrator. */
export function which(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin"];
  return folders
    .map((folder) => join(folder, name))
    .find((program) => {
      try {
        accessSync(program, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
