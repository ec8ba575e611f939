/// <reference types="node" />
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { RemoteError } from "../error.ts";
import type { Channel } from "../ssh/connection.ts";

/** How much of what a program says on stderr is kept for a message. */
const MOST_STDERR = 16_384;
/** So long after its end a program's output is still waited for. */
const LAST_WORDS_MS = 250;
/** A program that was told that nothing follows gets so long to end by itself. */
const GRACE_MS = 5_000;

export interface ProcessEnd {
  readonly code: number | null;
  readonly stderr: string;
  readonly answered: boolean;
}

/** A channel to a program that is started for it: argument vector, no shell, its stdin ours alone. */
export function processChannel(
  command: string,
  args: readonly string[],
  o: {
    /** What its end means. */
    readonly failure: (end: ProcessEnd) => RemoteError;
    /** Sees what it says on stderr, as it comes. */
    readonly onStderr?: ((bytes: Uint8Array) => void) | undefined;
  },
): Channel {
  const child: ChildProcessByStdio<Writable, Readable, Readable> = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    windowsHide: true,
  });
  let stderr = "";
  let startError: Error | undefined;
  let spoken = false;
  child.stderr.on("data", (bytes: Buffer) => {
    stderr = (stderr + bytes.toString("utf8")).slice(-MOST_STDERR);
    o.onStderr?.(bytes);
  });
  // A broken pipe shows as the end of the output, with a reason.
  child.stdin.on("error", () => undefined);
  child.stdout.on("error", () => undefined);
  const gone = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      startError = error;
      resolve();
    });
    // A shared connection that ssh leaves in the background may keep the pipes open for hours: that is not waited for.
    child.once("exit", () => {
      const timer = setTimeout(resolve, LAST_WORDS_MS);
      child.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }).finally(() => {
    child.stderr.destroy();
    child.stdout.destroy();
  });

  return {
    output: chunksOf(child.stdout, () => {
      spoken = true;
    }),
    async write(bytes): Promise<void> {
      await new Promise<void>((resolve) => {
        if (child.stdin.destroyed || child.stdin.writableEnded) resolve();
        else child.stdin.write(bytes, () => resolve());
      });
    },
    async close(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null || startError !== undefined) return;
      child.stdin.end();
      child.stdout.resume();
      // One that has not said a word is still on its way, and would not notice.
      const timer = setTimeout(() => child.kill(), spoken ? GRACE_MS : 0);
      await gone;
      clearTimeout(timer);
    },
    async failure(answered): Promise<RemoteError> {
      const timer = setTimeout(() => child.kill(), GRACE_MS);
      child.stdin.end();
      await gone;
      clearTimeout(timer);
      if (startError === undefined) return o.failure({ code: child.exitCode, stderr, answered });
      return new RemoteError("UNREACHABLE", `Cannot start ${command}: ${startError.message}.`, {
        hint: `Install ${command} (OpenSSH client) and put it on the PATH.`,
        details: { command },
        cause: startError,
      });
    },
  };
}

async function* chunksOf(stream: Readable, onChunk: () => void): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) {
      onChunk();
      yield chunk;
    }
  } catch {
    // It ended early; why is asked elsewhere.
  }
}
