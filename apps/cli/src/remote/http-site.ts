import { RemoteError, type Site, storageSite } from "@usr/remotes";
import { type ReadableStorage, StorageError } from "@usr/storage";

const INDEX = "usr-index.json";

/** No permission and no index over there are no permission and no dataset here: the remote cannot be reached. */
const THEIRS: ReadonlySet<string> = new Set(["IO", "PERMISSION", "NOT_FOUND"]);

/** A root that is published on the web, for pulling. */
export const httpSite = async ({ name, url }: { readonly name: string; readonly url: string }): Promise<Site> => {
  const { httpStorage } = await import("@usr/storage/http");
  return storageSite(farStorage(httpStorage(url, { index: INDEX }), name), { label: name });
};

/** What fails over there is no fault of this machine: a server that does not answer is said to be out of reach. */
const farStorage = (storage: ReadableStorage, name: string): ReadableStorage => {
  const told = (error: unknown): never => {
    if (!(error instanceof StorageError) || !THEIRS.has(error.code)) throw error;
    const reason = error.code === "PERMISSION" ? { reason: "authentication" } : {};
    throw new RemoteError("UNREACHABLE", `${name} cannot be read: ${error.message}`, {
      hint: error.code === "NOT_FOUND" ? `A published root has ${INDEX}: write it, or check the url.` : error.hint,
      details: { ...error.details, ...reason, remote: name },
      cause: error,
    });
  };
  return {
    async open(path, o) {
      const handle = await storage.open(path, o).catch(told);
      return handle && { ...handle, read: (offset, length, s) => handle.read(offset, length, s).catch(told) };
    },
    async *list(prefix, o) {
      try {
        yield* storage.list(prefix, o);
      } catch (error) {
        told(error);
      }
    },
  };
};
