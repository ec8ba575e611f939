import { memoryStorage } from "@usr/storage";
import { expect, test } from "vitest";
import { parseRemotes, withRemote } from "../src/config/index.ts";
import { auditOf, changesOf, diffDataset, storageSite } from "../src/index.ts";
import type { Site } from "../src/types.ts";
import {
  add,
  bytesAt,
  demo,
  eventsOf,
  filesOf,
  idsOf,
  type Place,
  place,
  pull,
  push,
  score,
  state,
  viewOf,
  world,
} from "./support.ts";

/** Two places with the same dataset. */
const two = async (): Promise<{ readonly here: Place; readonly there: Place }> => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await push(here, there);
  return { here, there };
};

const log = async (at: Place): Promise<string> =>
  new TextDecoder().decode(await bytesAt(at.root.storage, "demo/.events.log"));

/** A site that counts what it is asked. */
const counting = (site: Site): { readonly site: Site; readonly asked: string[] } => {
  const asked: string[] = [];
  const storage = new Proxy(site.storage, {
    get: (target, name, self) => {
      const value: unknown = Reflect.get(target, name, self);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        asked.push(`${String(name)} ${String(args[0])}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
  return {
    asked,
    site: {
      ...site,
      storage,
      inventory: (...args) => {
        asked.push("inventory");
        return site.inventory(...args);
      },
    },
  };
};

test("sync W2: up to date means that the bytes are, whatever the counts of lines say", async () => {
  const { here, there } = await two();
  const ids = await idsOf(here);
  await score(here, { AAAA: 1 });
  await state(there, [ids[0]!], "pass");
  const diff = await diffDataset({ dataset: "demo", local: here.site, remote: there.site }, { verify: "hash" });
  expect([diff.hasChange, diff.events]).toEqual([true, { altered: 0, onlyLocal: 1, onlyRemote: 1 }]);
  expect((await pull(here, there)).state).toBe("TRANSFERRED");
});

test("sync W3: no lock and no other runtime file travels", async () => {
  const { here, there } = await two();
  const runtime = [
    "_derived/infer/.sidecar.lock",
    ".usr.lease.dataset.00",
    ".usr.transfer.lock",
    "_artifacts/x.sqlite-wal",
    "_derived/.x.parquet.tmp",
  ];
  for (const path of runtime.slice(0, 4)) await here.root.storage.put(`demo/${path}`, new Uint8Array(1));
  const before = await bytesAt(there.root.storage, "demo/.usr.lock");
  expect((await push(here, there)).state).toBe("NO-OP");
  await score(here, { AAAA: 1 });
  await push(here, there);
  for (const path of runtime) expect(await there.root.storage.open(`demo/${path}`)).toBe(undefined);
  expect(await bytesAt(there.root.storage, "demo/.usr.lock")).toEqual(before);
});

test("sync W4: work that only one side has is never lost, in neither direction", async () => {
  const { here, there } = await two();
  await score(here, { AAAA: 1 });
  await score(there, { CCCC: 1 });
  await there.root.storage.put("demo/_artifacts/theirs.txt", new Uint8Array(3));
  await push(here, there);
  await pull(here, there);
  expect(await viewOf(here)).toEqual(await viewOf(there));
  expect((await bytesAt(there.root.storage, "demo/_artifacts/theirs.txt"))?.length).toBe(3);
});

test("sync W5: the log only grows, and readers by byte offset go on", async () => {
  const { here, there } = await two();
  await score(here, { AAAA: 1 });
  await score(there, { CCCC: 1 });
  const [mine, theirs] = [await log(here), await log(there)];
  await pull(here, there);
  await push(here, there);
  expect((await log(here)).startsWith(mine)).toBe(true);
  expect((await log(there)).startsWith(theirs)).toBe(true);
  expect(new Set(await eventsOf(here))).toEqual(new Set(await eventsOf(there)));
});

test("sync W6: logs that went apart become one again", async () => {
  const { here, there } = await two();
  for (let n = 0; n < 3; n++) {
    await score(here, { AAAA: n });
    await score(there, { CCCC: n });
    await pull(here, there);
    await push(here, there);
  }
  expect((await pull(here, there)).state).toBe("NO-OP");
  expect(await viewOf(here)).toEqual(await viewOf(there));
});

test("sync W7: a torn, a blank and a foreign line stop nothing", async () => {
  const { here, there } = await two();
  await here.root.storage.append!(
    "demo/.events.log",
    new TextEncoder().encode('\n{"event": "cluster_attach"}\n{"event_version":1,"act'),
  );
  await push(here, there);
  expect(await log(there)).toContain('{"event": "cluster_attach"}\n');
  expect(await log(there)).not.toContain('"act\n');
  await score(here, { AAAA: 1 });
  await push(here, there);
  await pull(here, there);
  expect((await push(here, there)).state).toBe("NO-OP");
});

test("sync W9: a reader of the target sees whole commits at every moment of a pull", async () => {
  const { here, there } = await two();
  await add(there, ["AAAAA"]);
  await score(there, { AAAAA: 7 });
  const seen = new Set<string>();
  const { storage } = here.root;
  const watched: typeof storage = {
    ...storage,
    rename: async (from, to) => {
      await storage.rename(from, to);
      seen.add(
        JSON.stringify((await viewOf(here)).map(({ sequence, mock__score }) => [sequence, mock__score ?? null])),
      );
    },
  };
  const root = { ...here.root, storage: watched };
  await pull({ root, site: storageSite(watched, { label: "here" }) }, there);
  // Before, with the rows, with the rows and their scores.
  expect([...seen].map((view) => `${view.includes("AAAAA")} ${view.includes("7")}`)).toEqual([
    "false false",
    "true false",
    "true true",
  ]);
});

test("sync W10: the registry comes along, so that what was pulled can be read", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  await score(here, { AAAA: 1 });
  await pull(there, here);
  expect(await viewOf(there)).toEqual(await viewOf(here));
});

test("sync W13: a dry run changes nothing and names every file with its bytes", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(here);
  const { files, state: told } = await push(here, there, { dryRun: true });
  expect([told, (await filesOf(there)).size]).toEqual(["DRY-RUN", 0]);
  for await (const { path } of there.root.storage.list("")) expect.fail(path);
  expect(files.find(({ path }) => path === "records.parquet")?.bytes).toBe(
    (await bytesAt(here.root.storage, "demo/records.parquet"))?.length,
  );
});

test("sync W14: a change without an event is seen, and never overwritten", async () => {
  const { here, there } = await two();
  await add(there, ["AAAAA"]);
  const base = (await bytesAt(there.root.storage, "demo/records.parquet"))!;
  const silent = place(world(), "silent");
  await silent.root.storage.put("x", base);
  // Somebody puts another base in place and tells nobody.
  await demo(silent);
  await add(silent, ["GGGGGGG"]);
  await here.root.storage.put("demo/records.parquet", (await bytesAt(silent.root.storage, "demo/records.parquet"))!);
  await expect(pull(here, there)).rejects.toMatchObject({ code: "CONFLICT" });
});

test("sync W15: a wait for a lock ends with its time and names who holds it", async () => {
  const { here, there } = await two();
  await score(here, { AAAA: 1 });
  await using _held = await there.root.storage.lock!("demo/.usr.lock");
  await expect(push(here, there)).rejects.toMatchObject({ code: "LOCKED" });
});

test("sync W16: a pull needs no write access at its source", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(there);
  const { open, list, digest } = there.root.storage;
  const readable = { open, list, ...(digest && { digest }) };
  const before = await filesOf(there);
  await pull(here, { ...there, site: storageSite(readable, { label: "web" }) });
  expect(await viewOf(here)).toEqual(await viewOf(there));
  expect(await filesOf(there)).toEqual(before);
});

test("sync W17: a source that is written all the time gives whole states", async () => {
  const { here, there } = await two();
  await score(there, { AAAA: 1 });
  let writes = 0;
  const busy: Site = {
    ...there.site,
    inventory: async (...args) => {
      const found = await there.site.inventory(...args);
      if (writes++ < 4) await score(there, { CCCC: writes });
      return found;
    },
  };
  await pull(here, { ...there, site: busy });
  await pull(here, there);
  expect(await viewOf(here)).toEqual(await viewOf(there));
});

test("sync W19: what an interrupted transfer leaves is no dataset and no data", async () => {
  const { here, there } = await two();
  await here.root.storage.put("demo/.incoming/abc.partial", new Uint8Array(9));
  await here.root.storage.put("fresh/.incoming/abc", new Uint8Array(9));
  expect(await here.site.datasets()).toEqual(["demo"]);
  expect((await push(here, there)).state).toBe("NO-OP");
});

test("sync W21: every class of files is compared by its bytes", async () => {
  const { here, there } = await two();
  await there.root.storage.put("demo/_artifacts/a", new Uint8Array(4).fill(1));
  await here.root.storage.put("demo/_artifacts/a", new Uint8Array(4).fill(2));
  const diff = await diffDataset({ dataset: "demo", local: here.site, remote: there.site }, { verify: "hash" });
  expect(diff.classes.find(({ class: name }) => name === "other")?.different).toEqual(["_artifacts/a"]);
  expect(changesOf(diff).aux_files_diff).toBe(true);
});

test("sync W23: a remotes file keeps what it says, and one broken entry stops no other", async () => {
  const text = "# mine\nremotes:\n  a: null\n  b:\n    type: file\n    base_dir: /x # here\n    port: 22\n";
  const entries = await parseRemotes(text);
  expect(entries.map((entry) => [entry.name, "profile" in entry])).toEqual([
    ["a", false],
    ["b", true],
  ]);
  const more = await withRemote(text, { type: "file", name: "c", baseDir: "/y" });
  for (const kept of ["# mine", "# here", "port: 22"]) expect(more).toContain(kept);
  expect(await withRemote(undefined, { type: "file", name: "c", baseDir: "/y" })).toContain("c:");
});

test("sync W26: an audit says what was done, with bytes, seconds and the remote", async () => {
  const { here, there } = await two();
  await score(here, { AAAA: 1 });
  const result = await push(here, there);
  const facts = {
    ...result,
    action: "push" as const,
    seconds: 1.5,
    finishedAt: "2026-01-01T00:00:00Z",
    primaryOnly: false,
  };
  const audit = auditOf(result.before, facts);
  expect(audit).toMatchObject({ transfer_state: "TRANSFERRED", remote: "there", events: 1, seconds: 1.5 });
  expect(Number(audit["bytes"])).toBeGreaterThan(100);
});

test("sync W28: a sync that finds nothing asks each side once, and opens no part", async () => {
  const { here, there } = await two();
  for (let n = 0; n < 20; n++) await score(here, { AAAA: n });
  await push(here, there);
  const { site, asked } = counting(there.site);
  expect((await pull(here, { ...there, site })).state).toBe("NO-OP");
  expect(asked.filter((what) => what === "inventory").length).toBe(1);
  expect(asked.filter((what) => what.includes("part-"))).toEqual([]);
});

test("sync W29: a pull brings what is missing and nothing else", async () => {
  const { here, there } = await two();
  for (let n = 0; n < 5; n++) await score(there, { AAAA: n });
  await pull(here, there);
  await there.root.storage.put("demo/_artifacts/note.txt", new Uint8Array(10));
  expect((await pull(here, there)).bytes).toBe(10);
});

test("sync W31: known digests are not computed again", async () => {
  const known = new Map<string, string>();
  let computed = 0;
  const storage = memoryStorage();
  const w = world();
  const here = place(w, "here", storage);
  await demo(here);
  const counted = {
    ...storage,
    digest: (path: string) => {
      computed++;
      return storage.digest(path);
    },
  };
  const site = storageSite(counted, {
    label: "here",
    cache: {
      get: (...key) => known.get(JSON.stringify(key)),
      set: (label, path, etag, size, sha256) => void known.set(JSON.stringify([label, path, etag, size]), sha256),
    },
  });
  const first = await site.inventory("demo", { digests: true });
  const once = computed;
  expect(await site.inventory("demo", { digests: true })).toEqual(first);
  expect([once > 0, computed]).toEqual([true, once]);
});

test("sync W32: what two logs begin with is not read", async () => {
  const w = world();
  const [here, there] = [place(w, "here"), place(w, "there")];
  await demo(there);
  for (let n = 0; n < 40; n++) await score(there, { AAAA: n });
  await pull(here, there);
  await score(there, { CCCC: 1 });
  let read = 0;
  const far: Site = {
    ...there.site,
    storage: {
      ...there.site.storage,
      open: async (path, o) => {
        const handle = await there.site.storage.open(path, o);
        if (handle === undefined || !path.endsWith(".events.log")) return handle;
        return {
          meta: handle.meta,
          [Symbol.asyncDispose]: () => handle[Symbol.asyncDispose](),
          read: (offset, length, s) => {
            read += length;
            return handle.read(offset, length, s);
          },
        };
      },
    },
  };
  await pull(here, { ...there, site: far });
  expect(read).toBeLessThan((await log(there)).length / 2);
});
