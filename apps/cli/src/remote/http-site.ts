import { RemoteError, type Site, storageSite } from "@usr/remotes";
import { type ReadableStorage, StorageError } from "@usr/storage";

/** A root that is published on the web, for pulling. */
export const httpSite = async ({ name, url }: { readonly name: string; readonly url: string }): Promise<Site> => {
  const { httpStorage } = await import("@usr/storage/http");
  return storageSite(farStorage(httpStorage(url, { index: "usr-index.json" }), name), { label: name });
};

/** What fails over there is no fault of this machine: a server that does not answer is said to be out of reach. */
const farStorage = (storage: ReadableStorage, name: string): ReadableStorage => {
  const told = (error: unknown): never => {
    if (!(error instanceof StorageError) || error.code !== "IO") throw error;
    throw new RemoteError("UNREACHABLE", `${name} cannot be read: ${error.message}`, {
      hint: error.hint,
      details: { ...error.details, remote: name },
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
