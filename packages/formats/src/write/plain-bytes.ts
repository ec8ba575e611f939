import { type Code, get, int, openModule, set, simd, wasmModule } from "@usr/id/wasm";
import type { TextSource } from "../text-buffer.ts";
import { isPlainWord } from "../text-buffer.ts";

/** Bytes looked at together. */
const STEP = 16;
const PIECE = 64 * 1024;

/**
 * Whether no byte of `[start, end)` is marked in `special`, which marks no byte from `-` (0x2d) to `~` (0x7e) but the backslash: sixteen of those at a time are told by WebAssembly where there
 * is one, else four.
 */
export function isPlain(source: TextSource, start: number, end: number, special: Uint8Array): boolean {
  const { data } = source;
  const opened = end - start < PIECE / 16 ? undefined : openModule(plainModule, "plain");
  const memory = opened && new Uint8Array(opened.memory);
  for (let at = start; at < end; ) {
    const size = Math.min(PIECE, end - at);
    const many = size & -STEP;
    if (opened !== undefined && memory !== undefined && many > 0) {
      memory.set(data.subarray(at, at + many));
      if (opened.run(0, many) === 1) {
        at += many;
        continue;
      }
    }
    if (!isPlainByWords(source, at, at + size, special)) return false;
    at += size;
  }
  return true;
}

function isPlainByWords({ data, view }: TextSource, start: number, end: number, special: Uint8Array): boolean {
  for (let at = start; at < end; ) {
    if (at + 4 <= end && isPlainWord(view.getInt32(at, true))) {
      at += 4;
      continue;
    }
    for (const stop = Math.min(at + 4, end); at < stop; at++) if (special[data[at]!] === 1) return false;
  }
  return true;
}

/** Exports `plain(at, end)`: 1 where all bytes, a multiple of sixteen, lie between `-` and `~` and none is a backslash. */
const plainModule = (): Uint8Array<ArrayBuffer> => {
  const [AT, END, BYTES, FOUND] = [0, 1, 2, 3] as const;
  const VECTOR = 0x7b;
  const all = (byte: number): Code => [int(byte), simd(0x0f)];
  const or = simd(0x50);
  const body = [
    [1, 2, VECTOR],
    [0x03, 0x40],
    [get(AT), simd(0x00), 0, 0, set(BYTES)],
    // as signed bytes, those beyond ASCII are below all others
    [get(BYTES), all(0x2d), simd(0x25), get(BYTES), all(0x7f), simd(0x23), or],
    [get(BYTES), all(0x5c), simd(0x23), or, get(FOUND), or, set(FOUND)],
    [get(AT), int(STEP), 0x6a, 0x22, AT, get(END), 0x49, 0x0d, 0],
    [0x0b, get(FOUND), simd(0x53), 0x45, 0x0b],
  ];
  return wasmModule({ name: "plain", parameters: 2, answers: true, body, pages: PIECE / 65_536 });
};
