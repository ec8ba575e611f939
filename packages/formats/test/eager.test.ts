import { expect, it } from "vitest";
import { openTable } from "../src/index.ts";

const utf8 = new TextEncoder();

it.each([
  ["csv", ["a\n1\n2\n3", "\n4\n", "5\n"]],
  ["jsonl", ['{"a":"1"}\n{"a":"2"}\n{"a":', '"3"}\n{"a":"4"}\n', '{"a":"5"}\n']],
] as const)("an eager reader of %s gives the rows that are there before it waits for more", async (format, pieces) => {
  const seen: string[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const [n, piece] of pieces.entries()) {
      seen.push(`piece ${n}`);
      yield utf8.encode(piece);
    }
  }
  const table = await openTable({ stream: source() }, { format, name: "t", eager: true });
  for await (const { firstRow, numRows } of table.batches(() => ({ kind: "string" })))
    seen.push(`rows ${firstRow} to ${firstRow + numRows - 1}`);
  expect(seen).toEqual(["piece 0", "rows 1 to 2", "piece 1", "rows 3 to 4", "piece 2", "rows 5 to 5"]);
});
