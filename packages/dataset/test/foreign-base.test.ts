import { describe, expect, it } from "vitest";
import { validate } from "../src/index.ts";
import { materialize, type WritableRoot } from "../src/write/index.ts";
import { freshRoot, linesOf } from "./support.ts";
import { writableRoot } from "./write-support.ts";

/** A golden root to be changed. */
const goldenRoot = async (name: string): Promise<WritableRoot> => writableRoot((await freshRoot(name)).storage);

describe("a base that another program shaped", () => {
  it("folds overlays into a base whose one row group has no rows", async () => {
    const root = await goldenRoot("empty");
    expect(await materialize(root, "lab/empty")).toMatchObject({ namespaces: ["mock"], rows: 0, overlays: "archived" });
    expect(await linesOf(root, "lab/empty")).toEqual([]);
    expect(await validate(root, "lab/empty")).toMatchObject({ ok: true });
  });
});
