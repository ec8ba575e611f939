import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RemoteError } from "@usr/remotes";
import { parseRemotes, type RemoteEntry } from "@usr/remotes/config";
import { UsageError } from "../errors.ts";
import { writeOutput } from "../output.ts";
import type { Session } from "../session.ts";
import { aboutFile } from "../system-error.ts";

/** Where the remotes are written down. There is no default: throws `USAGE`. */
export const remotesPath = ({ environment: { variables }, options }: Session): string => {
  const path = options.remotes ?? variables["USR_REMOTES_PATH"];
  if (path === undefined || path === "")
    throw new UsageError("no remotes file is given", {
      hint: "Type --remotes FILE, or set USR_REMOTES_PATH: there is no hidden default.",
    });
  const home = variables["HOME"];
  return path.startsWith("~/") && home !== undefined ? join(home, path.slice(2)) : path;
};

/** The text of the remotes file; `undefined` = there is none yet. */
export const remotesText = async (session: Session): Promise<string | undefined> => {
  const path = remotesPath(session);
  try {
    if ((await stat(path)).size > LARGEST)
      throw new RemoteError("REMOTES_INVALID", `${path} is too large for a list of remotes`, {
        hint: "Name the right file.",
        details: { path },
      });
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw aboutFile(error, "read the remotes file", path);
  }
};

const LARGEST = 4 * 2 ** 20;

/** The remotes of the file. Throws `REMOTES_FILE_NOT_FOUND`, `REMOTES_INVALID`. */
export const readRemotes = async (session: Session): Promise<readonly RemoteEntry[]> => {
  const text = await remotesText(session);
  if (text !== undefined) return parseRemotes(text);
  const path = remotesPath(session);
  throw new RemoteError("REMOTES_FILE_NOT_FOUND", `the remotes file ${path} does not exist`, {
    hint: "usr remotes add NAME … makes it.",
    details: { path },
  });
};

/** Writes the file whole or not at all. */
export const writeRemotes = async (session: Session, text: string): Promise<void> => {
  const path = remotesPath(session);
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw aboutFile(error, "make the folder of", path);
  });
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(text);
  }
  await writeOutput(path, bytes(), session.environment.signal);
};
