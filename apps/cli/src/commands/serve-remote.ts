import { PROTOCOL, serveStdio } from "@usr/remotes/ssh";
import { StorageError } from "@usr/storage";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { requiredText } from "../typed.ts";

/**
 * Whoever starts this takes the exit codes 1 and 2 for a program that read nothing (and goes on without it), so they end nothing that had begun.
 */
export const run: RunCommand = async ({ environment: { stdin, stdout } }, typed): Promise<Outcome> => {
  const asked = requiredText(typed, "protocol");
  if (asked !== PROTOCOL) {
    throw new UsageError(`protocol ${asked} is not spoken here, only ${PROTOCOL}`, {
      hint: "Update usr on both ends.",
    });
  }
  const marker = requiredText(typed, "marker");
  try {
    await serveStdio({ input: stdin, write: stdout, marker });
  } catch (cause) {
    throw new StorageError("IO", "the other end of the connection sent what is no request, or went away", { cause });
  }
  return { kind: "text", text: "" };
};
