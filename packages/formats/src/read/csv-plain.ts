import { type ByteSearch, byteSearch, nativeBuffer } from "../native.ts";
import type { ByteWindow, Limits } from "../source.ts";
import type { RowScan } from "./csv-scan.ts";

/** Scans rows of windows that are ASCII without quotes, carriage returns and NUL, which is to say that nothing in them can be wrong. */
export interface PlainRows {
  /** False = the row at `window.at` needs `scanRow`; nothing is known of it. */
  scan(window: ByteWindow, row: RowScan): boolean;
}

const FEED = 0x0a;
const SPECIAL = [0x22, 0x0d, 0x00];

/** Where the runtime has fast searches; they are made once a window, and once a row for its end. */
export function plainRows(delimiter: number, limits: Limits): PlainRows | undefined {
  const native = nativeBuffer();
  if (native === undefined) return undefined;
  const most = Math.min(limits.maxFieldBytes, limits.maxRowBytes);
  let origin = -1;
  let end = -1;
  /** Bytes of the window that was looked at last, where they are plain. */
  let plain: ByteSearch | undefined;
  let delimited = true;

  const look = (window: ByteWindow): void => {
    ({ origin, end } = window);
    const { bytes, at } = window;
    plain = undefined;
    if (!native.isAscii(bytes.subarray(at, end))) return;
    const search = byteSearch(bytes, end);
    if (SPECIAL.some((byte) => search.indexOf(byte, at) >= 0)) return;
    plain = search;
    delimited = search.indexOf(delimiter, at) >= 0;
  };

  return {
    scan: (window, row) => {
      if (window.origin !== origin || window.end !== end) look(window);
      if (plain === undefined) return false;
      const { bytes, at } = window;
      const feed = plain.indexOf(FEED, at);
      if (feed < 0 || feed - at > most) return false;
      let count = 0;
      let start = at;
      if (delimited) {
        for (let i = at; i < feed; i++) {
          if (bytes[i] !== delimiter) continue;
          if (count + 1 >= row.starts.length) return false;
          row.starts[count] = start;
          row.ends[count] = i;
          row.flags[count++] = 0;
          start = i + 1;
        }
      }
      row.starts[count] = start;
      row.ends[count] = feed;
      row.flags[count++] = 0;
      row.count = count;
      row.next = feed + 1;
      row.lines = 1;
      return true;
    },
  };
}
