import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeOutput } from "../output.ts";
import type { Session } from "../session.ts";
import { aboutFile } from "../system-error.ts";
import { OUTPUT_VERSION, toJson } from "../to-json.ts";

/** Writes `--audit-json-out`: one line, folders made. `data` is one audit, or a list where several datasets were named. */
export const writeAudit = async (session: Session, path: string | undefined, data: unknown): Promise<void> => {
  if (path === undefined) return;
  const home = session.environment.variables["HOME"];
  const file = path.startsWith("~/") && home !== undefined ? join(home, path.slice(2)) : path;
  await mkdir(dirname(file), { recursive: true }).catch((error: unknown) => {
    throw aboutFile(error, "make the folder of", file);
  });
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(`${toJson({ usr_output_version: OUTPUT_VERSION, data })}\n`);
  }
  await writeOutput(file, bytes(), new AbortController().signal);
};
