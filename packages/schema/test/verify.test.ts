/// <reference types="node" />
import { describe, expect, it } from "vitest";
import { isSchemaMessage, verifyFile, verifyMessage } from "../src/arrow/verify.ts";
import {
  int8,
  int16,
  int32,
  int64,
  type ObjectWriter,
  type Slot,
  structs,
  table,
  text,
  vector,
  writeFlatbuffer,
} from "../src/ipc/write-flatbuffer.ts";
import { refusal } from "./refusal.ts";

const [SCHEMA, DICTIONARY, BATCH] = [1, 2, 3] as const;
const message = (
  header: number,
  body: ObjectWriter | undefined,
  bodyLength: number,
  extra: Slot = undefined,
): Uint8Array => writeFlatbuffer(table([int16(4), int8(header), body, int64(bodyLength), extra]));

interface Batch {
  readonly rows?: number;
  readonly nodes?: readonly (readonly number[])[];
  readonly buffers?: readonly (readonly number[])[];
  readonly variadic?: readonly number[];
}
const batchOf = ({ rows = 2, nodes = [], buffers = [], variadic }: Batch): ObjectWriter =>
  table([
    int64(rows),
    structs(nodes),
    structs(buffers),
    undefined,
    variadic === undefined ? undefined : structs(variadic.map((count) => [count])),
  ]);

const flag = table([text("x"), int8(1), int8(6), table([]), undefined, vector([])]);
const schemaOf = (...fields: readonly ObjectWriter[]): ObjectWriter => table([int16(0), vector(fields)]);

const said = (work: () => unknown): readonly unknown[] => {
  const { code, details } = refusal(work);
  return details["why"] === undefined ? [code, details] : [code, details["why"]];
};

describe("a message", () => {
  it("says how large its body is", () => {
    expect(verifyMessage(message(SCHEMA, schemaOf(flag), 0))).toBe(0);
    expect(verifyMessage(message(BATCH, batchOf({}), 64))).toBe(64);
    expect(verifyMessage(message(BATCH, batchOf({}), Number.MAX_SAFE_INTEGER))).toBe(Number.MAX_SAFE_INTEGER);
    expect(said(() => verifyMessage(message(BATCH, batchOf({}), -1)))).toEqual(["CORRUPT", "-1 is no length"]);
    expect(said(() => verifyMessage(message(BATCH, batchOf({}), 2 ** 53)))).toEqual([
      "CORRUPT",
      "9007199254740992 is no length",
    ]);
    expect(verifyMessage(writeFlatbuffer(table([int16(4), int8(BATCH), batchOf({})])))).toBe(0);
  });

  it("is a schema, a dictionary or a batch", () => {
    const dictionary = (batch: ObjectWriter | undefined): ObjectWriter => table([int64(1), batch]);
    expect(verifyMessage(message(DICTIONARY, dictionary(batchOf({})), 8))).toBe(8);
    expect(said(() => verifyMessage(message(DICTIONARY, dictionary(undefined), 8)))).toEqual([
      "CORRUPT",
      "a dictionary is empty",
    ]);
    for (const header of [0, 4, 5, 127])
      expect(said(() => verifyMessage(message(header, batchOf({}), 8)))).toEqual([
        "CORRUPT",
        "a message is neither schema nor batch",
      ]);
    for (const header of [SCHEMA, DICTIONARY, BATCH])
      expect(said(() => verifyMessage(message(header, undefined, 8)))[0]).toBe("CORRUPT");
    expect([SCHEMA, DICTIONARY, BATCH].map((header) => isSchemaMessage(message(header, batchOf({}), 0)))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("has readable metadata, and fields whose dictionaries can be followed", () => {
    const entry = table([text("k"), text("v")]);
    expect(verifyMessage(message(BATCH, batchOf({}), 8, vector([entry])))).toBe(8);
    const wild: ObjectWriter = (out) => out.length + 1_000_000;
    for (const bad of [table([wild, text("v")]), table([text("k"), wild]), wild])
      expect(said(() => verifyMessage(message(BATCH, batchOf({}), 8, vector([bad]))))).toEqual([
        "CORRUPT",
        expect.stringMatching(/are asked for$/),
      ]);
    const coded = (encoding: Slot, children: readonly ObjectWriter[] = []): ObjectWriter =>
      table([text("x"), int8(1), int8(13), table([]), encoding, vector(children)]);
    const good = table([int64(7), table([int32(8), int8(1)]), int8(0)]);
    expect(verifyMessage(message(SCHEMA, schemaOf(coded(good, [coded(good)])), 0))).toBe(0);
    for (const bad of [wild, table([int64(7), wild])]) {
      for (const field of [coded(bad), coded(undefined, [coded(bad)])])
        expect(said(() => verifyMessage(message(SCHEMA, schemaOf(field), 0)))).toEqual([
          "CORRUPT",
          expect.stringMatching(/are asked for$/),
        ]);
    }
  });

  it.each<[string, Batch, number]>([
    ["rows to the limit", { rows: 2 ** 31 - 1 }, 0],
    [
      "nodes, all or none of whose rows are missing",
      {
        nodes: [
          [5, 5],
          [5, 0],
          [2 ** 31 - 1, 0],
        ],
      },
      0,
    ],
    [
      "buffers that end with the body",
      {
        buffers: [
          [0, 8],
          [8, 8],
          [16, 0],
        ],
      },
      16,
    ],
    [
      "as many views' buffers as there are buffers",
      {
        buffers: [
          [0, 0],
          [0, 0],
          [0, 0],
        ],
        variadic: [1, 0, 2],
      },
      0,
    ],
  ])("may hold %s", (_, batch, size) => {
    for (const [header, body] of [
      [BATCH, batchOf(batch)],
      [DICTIONARY, table([int64(1), batchOf(batch)])],
    ] as const)
      expect(verifyMessage(message(header, body, size))).toBe(size);
  });

  it.each<[Batch, unknown]>([
    [{ rows: -1 }, ["CORRUPT", "-1 is no length"]],
    [{ rows: 2 ** 31 }, ["TOO_LARGE", { rows: 2 ** 31 }]],
    [
      {
        nodes: [
          [1, 0],
          [2 ** 31, 0],
        ],
      },
      ["TOO_LARGE", { rows: 2 ** 31 }],
    ],
    [
      {
        nodes: [
          [1, 0],
          [3, 4],
        ],
      },
      ["CORRUPT", "of 3 rows more are missing"],
    ],
    [
      {
        nodes: [
          [1, 0],
          [3, -1],
        ],
      },
      ["CORRUPT", "-1 is no length"],
    ],
    [{ nodes: [[-3, 0]] }, ["CORRUPT", "-3 is no length"]],
    [
      {
        buffers: [
          [0, 8],
          [8, 9],
        ],
      },
      ["CORRUPT", "a buffer ends at byte 17 of 16"],
    ],
    [{ buffers: [[17, 0]] }, ["CORRUPT", "a buffer ends at byte 17 of 16"]],
    [{ buffers: [[-8, 8]] }, ["CORRUPT", "-8 is no length"]],
    [{ buffers: [[8, -8]] }, ["CORRUPT", "-8 is no length"]],
    [
      {
        buffers: [
          [0, 0],
          [0, 0],
        ],
        variadic: [1, 2],
      },
      ["CORRUPT", "3 buffers of text views are claimed, 2 exist"],
    ],
    [{ buffers: [[0, 0]], variadic: [1, -1] }, ["CORRUPT", "-1 is no length"]],
  ])("may not hold %j", (batch, refused) => {
    for (const [header, body] of [
      [BATCH, batchOf(batch)],
      [DICTIONARY, table([int64(1), batchOf(batch)])],
    ] as const)
      expect(said(() => verifyMessage(message(header, body, 16)))).toEqual(refused);
  });

  it("says how it is compressed in bytes of its own", () => {
    const wild: ObjectWriter = (out) => out.length + 1_000_000;
    const compressed = (how: ObjectWriter): ObjectWriter => table([int64(2), structs([]), structs([]), how]);
    expect(verifyMessage(message(BATCH, compressed(table([int8(1)])), 8))).toBe(8);
    expect(said(() => verifyMessage(message(BATCH, compressed(wild), 8)))).toEqual([
      "CORRUPT",
      expect.stringMatching(/are asked for$/),
    ]);
  });

  it("is refused wherever it is cut", () => {
    const whole = message(BATCH, batchOf({ nodes: [[2, 1]], buffers: [[0, 8]], variadic: [1] }), 8);
    for (let size = 0; size < whole.length - 8; size++)
      expect(refusal(() => verifyMessage(whole.subarray(0, size))).code).toBe("CORRUPT");
  });
});

interface Block {
  readonly offset?: number;
  readonly metadataLength?: number;
  readonly bodyLength?: number;
}

/** A file that can only be read from its end: two batches of 16 bytes, the first behind a marker, the second as before 2019, then the footer. */
const BODY = 16;
const ONE = message(BATCH, batchOf({ buffers: [[0, 16]] }), BODY);
const pieces = [
  Buffer.from("ARROW1\0\0"),
  ...[Buffer.from(Int32Array.of(-1, ONE.length).buffer), ONE, new Uint8Array(BODY)],
  ...[Buffer.from(Int32Array.of(ONE.length).buffer), ONE, new Uint8Array(BODY)],
];
const FIRST = { offset: 8, metadataLength: 8 + ONE.length, bodyLength: BODY };
const SECOND = { offset: 16 + ONE.length + BODY, metadataLength: 4 + ONE.length, bodyLength: BODY };
const numbers = ({ offset, metadataLength, bodyLength }: Required<Block>): readonly number[] => [
  offset,
  metadataLength,
  bodyLength,
];
const footerOf = (
  blocks: readonly Required<Block>[],
  schema: Slot = schemaOf(flag),
  extra: Slot = undefined,
): Uint8Array => writeFlatbuffer(table([int16(4), schema, structs([]), structs(blocks.map(numbers)), extra]));
const fileOf = (footer: Uint8Array, size = footer.length, magic = "ARROW1"): Uint8Array =>
  new Uint8Array(Buffer.concat([...pieces, footer, Buffer.from(Int32Array.of(size).buffer), Buffer.from(magic)]));

describe("a file without a schema in front", () => {
  it("holds the messages that its footer names", () => {
    expect(verifyFile(fileOf(footerOf([FIRST, SECOND])))).toBeUndefined();
    expect(verifyFile(fileOf(footerOf([])))).toBeUndefined();
    const dictionaries = writeFlatbuffer(table([int16(4), schemaOf(flag), structs([numbers(SECOND)])]));
    expect(verifyFile(fileOf(dictionaries))).toBeUndefined();
    // A view of more than the file.
    const file = fileOf(footerOf([FIRST, SECOND]));
    const around = new Uint8Array(file.length + 24).fill(0xff);
    around.set(file, 8);
    expect(verifyFile(around.subarray(8, 8 + file.length))).toBeUndefined();
  });

  it("has a footer", () => {
    const cut = ["CORRUPT", "the file has no footer: it is cut short"];
    const footer = footerOf([FIRST]);
    for (const size of [-1, 0, 3, 2 ** 31 - 1]) expect(said(() => verifyFile(fileOf(footer, size)))).toEqual(cut);
    expect(said(() => verifyFile(fileOf(footer, footer.length, "ARROW2")))).toEqual(cut);
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(10),
      Buffer.from("\0\0\0\0ARROW1"),
      Buffer.from("ARROW1\0\0"),
    ])
      expect(said(() => verifyFile(bytes))).toEqual(cut);
    // The footer may not begin within the magic.
    const bare = Buffer.concat([Buffer.from("ARROW1\0\0"), footer, Buffer.from(Int32Array.of(footer.length).buffer)]);
    const close = Buffer.concat([bare.subarray(1), Buffer.from("ARROW1")]);
    expect(said(() => verifyFile(close))).toEqual(cut);
    expect(said(() => verifyFile(Buffer.concat([bare, Buffer.from("ARROW1")])))).toEqual([
      "CORRUPT",
      "a block of the footer lies outside the file",
    ]);
    const bodiless = writeFlatbuffer(table([int16(4), undefined, structs([]), structs([])]));
    expect(said(() => verifyFile(fileOf(bodiless)))).toEqual(["CORRUPT", "the footer has no schema"]);
  });

  it.each<[string, Block]>([
    ["a block of the footer lies outside the file", { metadataLength: 7 }],
    ["a block of the footer lies outside the file", { metadataLength: -8 }],
    ["a block of the footer lies outside the file", { bodyLength: 10_000 }],
    ["a block of the footer lies outside the file", { offset: 10_000 }],
    ["a block of the footer is no message", { metadataLength: FIRST.metadataLength - 1 }],
    ["a block of the footer is no message", { offset: 0 }],
    ["a message ends after its block", { bodyLength: BODY - 1 }],
    ["-1 is no length", { offset: -1 }],
    ["-1 is no length", { bodyLength: -1 }],
  ])("is refused: %s", (why, block) => {
    for (const blocks of [[{ ...FIRST, ...block }], [SECOND, { ...FIRST, ...block }]])
      expect(said(() => verifyFile(fileOf(footerOf(blocks))))).toEqual(["CORRUPT", why]);
    const dictionaries = table([int16(4), schemaOf(flag), structs([numbers({ ...FIRST, ...block })])]);
    expect(said(() => verifyFile(fileOf(writeFlatbuffer(dictionaries))))).toEqual(["CORRUPT", why]);
  });

  it("may end with its last body, and no byte earlier", () => {
    const last = { ...SECOND, bodyLength: SECOND.bodyLength };
    expect(verifyFile(fileOf(footerOf([last])))).toBeUndefined();
    expect(said(() => verifyFile(fileOf(footerOf([{ ...last, bodyLength: BODY + 1 }]))))).toEqual([
      "CORRUPT",
      "a block of the footer lies outside the file",
    ]);
  });

  it("has a readable schema, metadata and dictionaries in its footer", () => {
    const wild: ObjectWriter = (out) => out.length + 1_000_000;
    const outside = ["CORRUPT", expect.stringMatching(/are asked for$/)];
    const entry = table([text("k"), wild]);
    expect(said(() => verifyFile(fileOf(footerOf([], schemaOf(flag), vector([entry])))))).toEqual(outside);
    const coded = table([text("x"), int8(1), int8(6), table([]), wild]);
    expect(said(() => verifyFile(fileOf(footerOf([], schemaOf(coded)))))).toEqual(outside);
    const typeless = table([text("x"), int8(1), int8(6)]);
    expect(said(() => verifyFile(fileOf(footerOf([], schemaOf(typeless)))))).toEqual([
      "CORRUPT",
      "a field has no type",
    ]);
  });
});
