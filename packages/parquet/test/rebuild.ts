import { readThrift, type ThriftStruct, type ThriftValue } from "../src/thrift/read.ts";
import { writeThrift } from "../src/thrift/write.ts";

export type Edit = (footer: ThriftStruct) => ThriftStruct;

/** The file with another footer. */
export function rebuilt(bytes: Uint8Array, edit: Edit): Uint8Array {
  const length = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
  const start = bytes.length - 8 - length;
  const footer = writeThrift(edit(readThrift(bytes, start, bytes.length - 8, 1e6).value));
  const out = new Uint8Array(start + footer.length + 8);
  out.set(bytes.subarray(0, start));
  out.set(footer, start);
  new DataView(out.buffer).setUint32(start + footer.length, footer.length, true);
  out.set(bytes.subarray(bytes.length - 4), out.length - 4);
  return out;
}

export function set(s: ThriftStruct, id: number, value: ThriftValue): ThriftStruct {
  return new Map(s).set(id, value);
}
