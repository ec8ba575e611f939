import { memoryStorage } from "@usr/storage";
import { goldenDatasets, goldenRoots, loadGolden } from "@usr/testkit";
import { describe, expect, it } from "vitest";
import { bytesAt, type Place, place, pull, push, world } from "./support.ts";

/** Every byte of a dataset but runtime files, the log apart. */
const bytesOf = async ({ root: { storage } }: Place, dataset: string): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  for await (const { path } of storage.list(`${dataset}/`)) {
    if (/\.(usr\.lock|events\.lock|events\.log|incoming|staging|tmp)/.test(path)) continue;
    found.set(path, Buffer.from((await bytesAt(storage, path)) ?? []).toString("base64"));
  }
  return found;
};

describe.each(goldenRoots())("%s, as the Python program wrote it", (root) => {
  it("travels there and back without a changed byte", async () => {
    const w = world();
    const origin = place(w, "origin", memoryStorage());
    await loadGolden(root, origin.root.storage);
    for (const { dataset: id, error } of goldenDatasets(root)) {
      const [there, back] = [place(w, "there"), place(w, "back")];
      const registry = await bytesAt(origin.root.storage, "registry.yaml");
      const before = await bytesOf(origin, id);
      const log = await bytesAt(origin.root.storage, `${id}/.events.log`);
      if (error !== undefined) {
        // What nobody can read: it travels as it is or is refused, and stays where it is either way.
        await push(origin, there, { snapshots: true }, id).catch((refusal: unknown) => {
          expect(refusal).toMatchObject({ name: expect.stringMatching(/^(Remote|Dataset|Registry)Error$/) });
        });
        expect(await bytesOf(origin, id)).toEqual(before);
        continue;
      }
      await push(origin, there, { snapshots: true }, id);
      await pull(back, there, { snapshots: true }, id);
      for (const copy of [there, back]) {
        expect(await bytesOf(copy, id)).toEqual(before);
        expect(await bytesAt(copy.root.storage, "registry.yaml")).toEqual(registry);
      }
      // The lines travel as they are, foreign ones and whatever Python writes too; the transfers' own follow.
      const arrived = new TextDecoder().decode(await bytesAt(there.root.storage, `${id}/.events.log`));
      const text = new TextDecoder().decode(log);
      const whole = text.slice(0, text.lastIndexOf("\n") + 1);
      const lines = whole.split("\n").filter((line) => line.trim() !== "");
      expect(arrived.split("\n").slice(0, lines.length)).toEqual(lines);
      expect((await push(origin, there, { snapshots: true }, id)).state).toBe("NO-OP");
      expect((await pull(origin, there, { snapshots: true }, id)).state).toBe("NO-OP");
      expect(await bytesOf(origin, id)).toEqual(before);
    }
  });
});
