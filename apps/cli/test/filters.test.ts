import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { openWorkspace, type Ran, type Workspace } from "./support.ts";

const page = readFileSync(new URL("../../../docs/filters.md", import.meta.url), "utf8");
const [, table = ""] = /```csv\n([\s\S]*?)```/.exec(page) ?? [];
const LAB =
  "lab__score:float32,lab__limit:float64,lab__tag:string,lab__bad:bool,lab__count:int64,lab__at:timestamp[us, UTC],lab__hits:list<int32>";

let w: Workspace;
const must = async (args: readonly string[]): Promise<Ran> => {
  const ran = await w.usr(args);
  expect([ran.code, ran.stderr], args.join(" ")).toEqual([0, ""]);
  return ran;
};
const kept = async (args: readonly string[]): Promise<string> =>
  (await must(args)).rows.map((row) => row["source"]).join(" ");

beforeAll(async () => {
  w = await openWorkspace();
  await must(["namespace", "register", "lab", "--columns", LAB]);
  await must(["init", "demo"]);
  const path = await w.file("lab.csv", table);
  expect((await w.usr(["import", "demo", "--path", path, "--bio-type", "dna", "--alphabet", "dna_4"])).code).toBe(0);
  const [header = ""] = table.split("\n");
  const columns = header.split(",").slice(2).join(",");
  await must(["attach", "demo", "--path", path, "--namespace", "lab", "--key", "sequence", "--columns", columns]);
});
afterAll(() => w[Symbol.asyncDispose]());

describe("docs/filters.md", () => {
  const examples = [...page.matchAll(/^\| (`+) ?(.+?) ?\1 \| ([a-f ]+|error) \|/gm)].map(
    ([, , filter = "", rows = ""]) => [filter, rows] as const,
  );

  it("has examples", () => expect(examples.length).toBeGreaterThan(25));

  it.each(examples)("%s keeps %s", async (filter, rows) => {
    if (rows === "error") expect((await w.usr(["scan", "demo", "--where", filter])).code).toBe(4);
    else expect(await kept(["scan", "demo", "--where", filter, "--columns", "source"])).toBe(rows);
  });
});

test("head, scan and export filter before they count", async () => {
  expect(await kept(["head", "demo", "-n", "2", "--where", "length > 4"])).toBe("b c");
  expect(await kept(["scan", "demo", "--limit", "1", "--where", "lab__bad"])).toBe("b");
  const out = `${w.dir}/out.csv`;
  const { data } = await must(["export", "demo", "--out", out, "--columns", "source,sequence", "--where", "lab__bad"]);
  expect(data).toMatchObject({ rows: 2 });
  expect(readFileSync(out, "utf8")).toBe("source,sequence\nb,TTTTT\ne,CCCC\n");
  const none = await must(["export", "demo", "--out", out, "--columns", "source,sequence", "--where", "false"]);
  expect(none.data).toMatchObject({ rows: 0 });
  expect(readFileSync(out, "utf8")).toBe("source,sequence\n");
});

test("a filter that is wrong says where, and how to go on", async () => {
  const wrong = async (filter: string): Promise<readonly unknown[]> => {
    const { code, error, stdout } = await w.usr(["scan", "demo", "--where", filter]);
    expect([stdout, error?.hint === null]).toEqual(["", false]);
    return [code, error?.code, error?.details["position"]];
  };
  expect(await wrong("length >")).toEqual([2, "FILTER_INVALID", 9]);
  expect(await wrong("length = 'x'")).toEqual([2, "FILTER_INVALID", 10]);
  expect(await wrong("lab__bad and lab__scor > 1")).toEqual([4, "UNKNOWN_COLUMN", 14]);
  expect(await wrong("usr__deleted")).toEqual([4, "UNKNOWN_COLUMN", 1]);
  const hostile = await w.usr(["scan", "demo", "--where", "length = '\u001b[2J'"], { json: false, terminal: true });
  expect(hostile.code).toBe(2);
  expect(hostile.stderr).not.toContain("\u001b[2J");
});

test("delete, restore and state take a filter in place of ids", async () => {
  const rows = async (args: readonly string[]): Promise<unknown> => (await must(args)).data;
  const where = ["--where", "lab__bad or lab__score is null"];
  expect(await rows(["delete", "demo", ...where, "--dry-run"])).toEqual({ dataset: "demo", rows: 3 });
  expect(await kept(["scan", "demo"])).toBe("a b c d e f");
  expect(await rows(["delete", "demo", ...where])).toEqual({ dataset: "demo", rows: 3 });
  expect(await kept(["scan", "demo"])).toBe("a c d");
  expect(await kept(["scan", "demo", "--include-deleted", "--where", "usr__deleted and length > 5"])).toBe("f");
  expect(await rows(["restore", "demo", ...where])).toEqual({ dataset: "demo", rows: 3 });
  expect(await rows(["state", "set", "demo", "--where", "lab__count < 3", "--masked"])).toEqual({
    dataset: "demo",
    rows: 4,
  });
  expect((await must(["state", "get", "demo", "--where", "usr_state__masked"])).rows.length).toBe(4);
  expect(await rows(["state", "clear", "demo", "--where", "usr_state__masked and length > 4"])).toEqual({
    dataset: "demo",
    rows: 3,
  });
  expect(await kept(["scan", "demo", "--where", "usr_state__masked"])).toBe("e");
  const both = await w.usr(["delete", "demo", "--where", "true", "--id", "x"]);
  expect([both.code, both.error?.code]).toEqual([2, "USAGE"]);
});
