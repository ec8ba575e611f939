import { Readable } from "node:stream";
import { stripVTControlCharacters as plain } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { colouredSequence } from "../src/colour.ts";
import { displayWidth } from "../src/display-width.ts";
import { openSession } from "../src/session.ts";
import { align } from "../src/text.ts";
import { openWorkspace } from "./support.ts";

test("colours add nothing but colours, to any text", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.stringMatching(/^[ACGTUNacgtun]{1,40}…?$/),
    fc.stringMatching(/^[A-Ya-y]{1,40}…?$/),
  );
  fc.assert(
    fc.property(
      text.filter((drawn) => plain(drawn) === drawn),
      (drawn) => void expect(plain(colouredSequence(drawn))).toBe(drawn),
    ),
  );
});

test("bases have a colour each, residues one for their class, soft-masked ones are dimmed, other text is left alone", () => {
  expect(colouredSequence("AAgN…")).toBe("\u001b[32mAA\u001b[0m\u001b[2;33mg\u001b[0mN…");
  expect(colouredSequence("DEKwX")).toBe("\u001b[31mDE\u001b[0m\u001b[34mK\u001b[0m\u001b[2;35mw\u001b[0mX");
  for (const other of ["", "…", "ACGT ACGT", "J", "∅", "\\u001b[2J"]) expect(colouredSequence(other)).toBe(other);
});

test("a table keeps to its width, and the first column gives way last; without a width nothing is cut", () => {
  const cell = fc.oneof(fc.string({ maxLength: 60 }), fc.stringMatching(/^[日本語a-z]{0,30}$/));
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 6 })
        .chain((n) => fc.array(fc.array(cell, { minLength: n, maxLength: n }), { minLength: 1 })),
      fc.integer({ min: 20, max: 200 }),
      (rows, width) => {
        const header = (rows[0] ?? []).map((_, i) => `c${i}`);
        const right = header.map((_, i) => i % 2 === 1);
        const cut = align(header, rows, right, width).split("\n");
        for (const line of cut) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        expect(cut).toHaveLength(rows.length + 2);
        const whole = align(header, rows, right);
        if (rows.flat().every((text) => /^[ -~]*$/.test(text) && !text.includes("\\")))
          for (const text of rows.flat()) expect(whole).toContain(text.trimEnd());
      },
    ),
  );
  const long = "x".repeat(40);
  expect(align(["name", "type"], [["a_long_name__of_a_column", long]], [false, false], 40)).toBe(
    "name                      type\na_long_name__of_a_column  xxxxxxxxxxxxx…\n",
  );
});

test("what describes a dataset fits the terminal, and is whole in a pipe", async () => {
  await using w = await openWorkspace();
  const type = `struct<${Array.from({ length: 12 }, (_, i) => `field${i}:float64`).join(",")}>`;
  await w.usr(["namespace", "register", "mock", "--columns", `mock__st:${type},mock__vec:list<float32>`]);
  await w.usr(["init", "demo"]);
  const bio = ["--bio-type", "protein", "--alphabet", "protein_20"];
  await w.usr(["import", "demo", "--path", await w.file("p.csv", "sequence\nMKVDE\n"), ...bio]);
  const vector = JSON.stringify(Array.from({ length: 512 }, (_, i) => i / 8));
  const values = await w.file("v.csv", `sequence,vec,st\nMKVDE,"${vector}",{}\n`);
  const attached = await w.usr(["attach", "demo", "--path", values, "--namespace", "mock", "--key", "sequence"]);
  expect(attached.stderr).toBe("");
  for (const args of [
    ["cols", "demo"],
    ["schema", "demo"],
    ["describe", "demo"],
    ["namespace", "list"],
  ]) {
    const shown = (await w.usr(args, { json: false, terminal: true })).stdout;
    expect(Math.max(...shown.split("\n").map(displayWidth))).toBeLessThanOrEqual(80);
    expect(shown).toContain("…");
    const piped = (await w.usr(args, { json: false })).stdout;
    expect(piped).not.toContain("…");
    expect(piped).toContain(type);
  }
  const head = ["head", "demo", "--columns", "sequence,mock__vec"];
  const shown = (await w.usr(head, { json: false, terminal: true })).stdout;
  expect(shown).toContain("[0, 0.125, … ×512]");
  expect(shown).toContain("\u001b[36mM\u001b[0m\u001b[34mK\u001b[0m");
  expect(plain(shown)).toContain("MKVDE");
  expect((await w.usr(head, { json: false })).stdout).toContain("63.875]");
  for (const bare of [{ variables: { NO_COLOR: "1" } }, { variables: { TERM: "dumb" } }])
    expect((await w.usr(head, { json: false, terminal: true, ...bare })).stdout).not.toContain("\u001b");
  expect((await w.usr([...head, "--no-color"], { json: false, terminal: true })).stdout).not.toContain("\u001b");
});

test("a question that the input ends before answering is answered with no", async () => {
  for (const [typed, message] of [
    ["", "not confirmed: nothing was changed"],
    ["n\n", "not confirmed: nothing was changed"],
    ["yes\n", undefined],
  ] as const) {
    let said = "";
    const environment = {
      ...{ argv: [], variables: {}, host: "here", pid: 1, columns: 80, clock: () => 0n, stdoutIsTerminal: true },
      ...{ stdinIsTerminal: true, stderrIsTerminal: true, signal: new AbortController().signal },
      stdin: Readable.from(typed === "" ? [] : [Buffer.from(typed)]),
      stdout: async () => {},
      stderr: (text: string) => {
        said += text;
      },
      random: (bytes: number) => new Uint8Array(bytes),
    };
    const options = { json: false, quiet: false, color: false, debug: false, yes: false, input: true };
    const limits = { lockTimeoutMs: 0, memoryBytes: undefined, maxRatio: undefined };
    const asked = openSession(environment, { ...options, ...limits }, "usr").confirm("Sure?");
    if (message === undefined) await asked;
    else await expect(asked).rejects.toMatchObject({ code: "CONFIRMATION_REQUIRED", message });
    expect(said.trimEnd()).toBe("Sure? [y/N]");
  }
});

test("registering what the Python program cannot load is said", async () => {
  await using w = await openWorkspace();
  const told = await w.usr(["namespace", "register", "mock", "--columns", "mock__a:struct<t:timestamp[us, UTC]>"]);
  expect([told.code, told.stderr]).toEqual([
    0,
    expect.stringMatching(/^warning: The column mock__a .*Python.*\nhint: /),
  ]);
  expect((await w.usr(["namespace", "register", "fine", "--columns", "fine__a:int8"])).stderr).toBe("");
});
