/// <reference types="node" />
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { validate } from "@usr/dataset";
import type { Storage } from "@usr/storage";
import { diskStorage } from "@usr/storage/node";
import { startSshd } from "@usr/testkit/sshd";
import { expect, it } from "vitest";
import { storageSite, verifyDataset } from "../src/index.ts";
import { type FarSite, openSsh } from "../src/node/ssh.ts";
import type { DigestCache } from "../src/types.ts";
import { type Folder, freshFolder } from "./support/folder.ts";
import { connections, open, target, withSshd } from "./support/real-ssh.ts";
import {
  add,
  vectors as attachVectors,
  bytesAt,
  cloneStorage,
  demo,
  type Place,
  partsOf,
  place,
  pull,
  push,
  registerMock,
  score,
  viewOf,
  world,
} from "./support.ts";

/** Writes a storage into a folder, without the flushes of a disk storage. */
async function unpack(storage: Storage, folder: Folder): Promise<void> {
  for await (const { path } of storage.list("")) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), (await bytesAt(storage, path)) ?? "");
  }
}

function memoryCache(): DigestCache {
  const known = new Map<string, string>();
  return {
    get: (...version) => known.get(version.join("|")),
    set: (site, path, etag, size, sha256) => void known.set([site, path, etag, size].join("|"), sha256),
  };
}

/** Place at the other end of the wire. */
const overThere = (here: Place, site: FarSite): Place => ({ ...here, site });

const onDisk = (w: ReturnType<typeof world>, label: string, folder: Folder, cache?: DigestCache): Place => {
  const storage = diskStorage(folder.path);
  return { ...place(w, label, storage), site: storageSite(storage, { label, cache }) };
};

withSshd("a sync", () => {
  it("goes both ways, is proved by hash, and leaves two datasets that validate", async () => {
    await using sshd = await startSshd();
    await using laptop = await freshFolder();
    await using cluster = await freshFolder();
    const w = world();
    const here = onDisk(w, "laptop", laptop);
    const there = onDisk(w, "cluster", cluster);
    await demo(here);
    await score(here, { AAAA: 1, CCCC: 2 });
    await using site = await open(sshd, cluster.path);
    const far = overThere(there, site);
    expect((await push(here, far)).state).toBe("TRANSFERRED");
    expect(await viewOf(there)).toEqual(await viewOf(here));
    await score(there, { GGGG: 3 });
    await add(there, ["ACACAC"]);
    await score(here, { TTTT: 4 });
    expect((await pull(here, far)).state).toBe("TRANSFERRED");
    expect((await push(here, far)).state).toBe("TRANSFERRED");
    expect((await push(here, far)).state).toBe("NO-OP");
    expect(await viewOf(there)).toEqual(await viewOf(here));
    expect((await partsOf(there)).length).toBe(3);
    const report = await verifyDataset(
      { dataset: "demo", local: here.site, remote: site },
      { verify: "hash", random: there.root.random },
    );
    expect([report.ok, report.evidence.proved, report.evidence.weaker]).toEqual([true, "hash", false]);
    for (const { root } of [here, there]) {
      expect((await validate(root, "demo", { strict: true })).problems.filter((p) => p.severity === "error")).toEqual(
        [],
      );
    }
    expect((await connections(sshd)).length).toBe(1);
  });

  it("W27, W28, W29: among a thousand parts, nothing new costs a listing, and a new part costs itself", async () => {
    await using sshd = await startSshd();
    await using laptop = await freshFolder();
    await using cluster = await freshFolder();
    const w = world();
    const packed = place(w, "packed");
    await demo(packed);
    await registerMock(packed, "vec", "vec__v:list<float64>");
    // Twenty people attach fifty times each, and their parts come together.
    for (let who = 0; who < 20; who++) {
      const one = place(w, `person ${who}`, await cloneStorage(packed.root.storage));
      for (let n = 0; n < 50; n++) await score(one, { AAAA: n });
      for (const folder of [laptop, cluster]) await unpack(one.root.storage, folder);
    }
    const [nearCache, farCache] = [memoryCache(), memoryCache()];
    const here = onDisk(w, "laptop", laptop, nearCache);
    const there = onDisk(w, "cluster", cluster);
    const over = async (work: (far: Place) => Promise<{ readonly state: string }>): Promise<Cost> => {
      const before = (await sshd.processes()).length;
      await using site = await openSsh(target(sshd, cluster.path), {
        label: "far",
        command: sshd.command,
        cache: farCache,
      });
      const { state } = await work(overThere(there, site));
      const { sent, received } = site.traffic();
      return { state, processes: (await sshd.processes()).length - before, sent, received };
    };

    await over((far) => pull(here, far));
    expect((await partsOf(here)).length).toBe(1_000);
    const idle = await over((far) => pull(here, far));
    expect(idle).toMatchObject({ state: "NO-OP", processes: 2 });
    expect(idle.received + idle.sent).toBeLessThan(100_000);

    // Vectors, which is what parts are made of.
    await attachVectors(there);
    const part = (await partsOf(there, "vec"))[0] ?? "";
    const size = (await bytesAt(there.root.storage, `demo/${part}`))?.length ?? 0;
    expect(size).toBeGreaterThan(2_000_000);
    const pulled = await over((far) => pull(here, far));
    expect(pulled).toMatchObject({ state: "TRANSFERRED", processes: 2 });
    expect(pulled.received + pulled.sent).toBeLessThan(size * 1.02);
    expect(await partsOf(here, "vec")).toEqual([part]);

    await score(here, { CCCC: 5 });
    const pushed = await over((far) => push(here, far));
    expect(pushed).toMatchObject({ state: "TRANSFERRED", processes: 2 });
    expect(pushed.sent).toBeLessThan(40_000);
    expect(await viewOf(there)).toEqual(await viewOf(here));
  });
});

interface Cost {
  readonly state: string;
  readonly processes: number;
  readonly sent: number;
  readonly received: number;
}
