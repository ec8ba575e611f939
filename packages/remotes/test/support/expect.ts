import type { Storage } from "@usr/storage";
import type { Site } from "../../src/index.ts";
import { RemoteError } from "../../src/index.ts";

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The `RemoteError` that the work must end with. */
export async function failure(work: Promise<unknown>): Promise<RemoteError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RemoteError) return error;
  throw new Error(`a RemoteError was due, this came: ${String(error)}`);
}

/** The storage of a site that may be written to. */
export function writable(site: Site): Storage {
  if ("put" in site.storage) return site.storage;
  throw new Error("the site cannot be written to");
}
