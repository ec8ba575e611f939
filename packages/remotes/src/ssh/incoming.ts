import { StorageError } from "@usr/storage";

/** A body that arrives piece by piece, on its way into whatever consumes it. */
export interface Incoming {
  /** Resolves when the consumer asks for more; rejects with the consumer's error once it has failed. */
  add(piece: Uint8Array): Promise<void>;
  /** Ends the body, which must have `size` bytes by now, and gives what the consumer makes of it. */
  end(size: number): Promise<string>;
  /** Fails the consumer's input and waits for it to clean up. */
  abort(): Promise<void>;
}

const ABORTED = new StorageError("IO", "the write was given up");

export function incoming(consume: (body: AsyncIterable<Uint8Array>) => Promise<string>): Incoming {
  let offered: { readonly piece: Uint8Array; readonly taken: () => void } | undefined;
  let wake: (() => void) | undefined;
  let state: "open" | "ended" | "aborted" = "open";
  let size = 0;

  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      while (offered === undefined && state === "open") {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (state === "aborted") throw ABORTED;
      if (offered === undefined) return;
      const { piece, taken } = offered;
      offered = undefined;
      yield piece;
      // Asked for the next one: the piece has been used.
      taken();
    }
  };
  const consumed = consume(body());
  consumed.catch(() => undefined);

  return {
    async add(piece): Promise<void> {
      size += piece.length;
      const used = new Promise<void>((resolve) => {
        offered = { piece, taken: resolve };
      });
      wake?.();
      // Who has settled asks for no more: an error is passed on, and nothing is lost by waiting no longer.
      await Promise.race([used, consumed]);
    },
    async end(expected): Promise<string> {
      if (size !== expected) {
        await this.abort();
        throw new StorageError("IO", `${size} of ${expected} bytes arrived`);
      }
      state = "ended";
      wake?.();
      return await consumed;
    },
    async abort(): Promise<void> {
      state = "aborted";
      wake?.();
      await consumed.catch(() => undefined);
    },
  };
}
