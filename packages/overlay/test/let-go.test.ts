/// <reference types="node" />
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openParquet } from "@usr/parquet";
import { expect, test } from "vitest";
import { buildKeyIndex, type KeyIndex, mergeOverlay } from "../src/index.ts";
import { bytesSource, idBase, overlayOf, partBytes } from "./support.ts";
import { ALL, IDS, spec, TYPES, valuesIn } from "./traced.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Whether nothing holds it any more. */
async function isForgotten(held: WeakRef<object>): Promise<boolean> {
  for (let turn = 0; turn < 10 && held.deref() !== undefined; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return held.deref() === undefined;
}

const part = spec(1, ALL.toReversed());
const indexed = (): Promise<KeyIndex> => buildKeyIndex("id", idBase(IDS));

test("an opened cursor holds the index no more that was built for it", async () => {
  const base = await openParquet(bytesSource(await partBytes(spec(0, ALL)), "records.parquet"));
  const refs: WeakRef<KeyIndex>[] = [];
  const build = async (): Promise<KeyIndex> => {
    const index = await indexed();
    refs.push(new WeakRef(index));
    return index;
  };
  await using cursor = mergeOverlay(
    await overlayOf([part], TYPES),
    { key: "id", base, build },
    { columns: ["mock__n"], smallPartBytes: 0 },
  );
  await cursor.open();
  expect(refs.length).toBe(1);
  expect(await isForgotten(refs[0]!)).toBe(true);
  expect(await valuesIn(cursor, 0, 600)).toEqual(ALL);
});

test("an opened cursor holds the index no more that it was given", async () => {
  const open = async () => {
    const index = await indexed();
    const cursor = mergeOverlay(await overlayOf([part], TYPES), index, { columns: ["mock__n"], smallPartBytes: 0 });
    await cursor.open();
    return { cursor, held: new WeakRef(index) };
  };
  const { cursor, held } = await open();
  expect(await isForgotten(held)).toBe(true);
  expect(await valuesIn(cursor, 0, 600)).toEqual(ALL);
});
