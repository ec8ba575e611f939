import type { PutMode, Signal } from "@usr/storage";
import { chunksOf } from "@usr/storage/adapter";
import { okText } from "./far-error.ts";
import type { FarOptions } from "./far-options.ts";
import { LONGEST_BODY, type Reply } from "./wire.ts";

/** A write in flight: nothing is seen of it before it is whole. */
export interface FarPut {
  /** Takes the first `length` bytes of another object, where they lie. */
  copy(from: string, length: number): Promise<void>;
  /** Sends the bytes and ends the write; gives what the other end says about the object. On an error nothing of the write is left. */
  all(body: Uint8Array | AsyncIterable<Uint8Array>, s: Signal): Promise<string>;
}

/** Starts a write. Its requests follow each other without waiting for the answers, which are looked at before each next one and at the end. */
export async function startPut(
  { connection, label }: FarOptions,
  path: string,
  temporary: string,
  mode: PutMode | "append",
): Promise<FarPut> {
  let size = 0;
  let failed: { readonly reason: unknown } | undefined;
  const watch = (reply: Promise<Reply>): Promise<void> =>
    reply
      .then((one) => void okText(one, label, path))
      .catch((reason: unknown) => {
        failed ??= { reason };
      });
  const check = (): void => {
    if (failed !== undefined) throw failed.reason;
  };

  const spelt = typeof mode === "string" ? mode : mode.ifMatch;
  const { reply: begun } = await connection.post("begin", [temporary, path, spelt]);
  let answers = watch(begun);
  const follow = (reply: Promise<Reply>): void => {
    const before = answers;
    const mine = watch(reply);
    answers = before.then(() => mine);
  };

  const abort = async (): Promise<void> => {
    await connection.ask("abort", [temporary]).catch(() => undefined);
  };

  return {
    async copy(from, length): Promise<void> {
      const { reply } = await connection.post("copy", [temporary, from, length]);
      follow(reply);
      size += length;
    },
    async all(body, s): Promise<string> {
      try {
        for await (const chunk of chunksOf(body, s.signal)) {
          for (let at = 0; at < chunk.length; at += LONGEST_BODY) {
            check();
            const piece = chunk.subarray(at, at + LONGEST_BODY);
            const { reply } = await connection.post("write", [temporary], { body: piece });
            follow(reply);
            size += piece.length;
          }
        }
        // A small write has not been answered yet: the last request goes out behind it, and is of no use where it failed.
        const last =
          mode === "append"
            ? await connection.post("append", [path, temporary, size])
            : await connection.post("commit", [temporary, path, spelt, size]);
        const reply = await last.reply;
        await answers;
        check();
        return okText(reply, label, path);
      } catch (error) {
        await abort();
        throw error;
      }
    },
  };
}

/** A name beside `path` that no listing shows. */
export function temporaryFor(path: string, random: (bytes: number) => Uint8Array): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const folder = path.slice(0, path.length - name.length);
  const token = Array.from(random(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${folder}.${[...name].slice(0, 40).join("")}.${token}.tmp`;
}
