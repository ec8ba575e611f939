import { openTable, type TableReader } from "@usr/formats";

export const csv = (text: string, name = "input.csv"): Promise<TableReader> =>
  openTable({ stream: bytesOf(text) }, { format: "csv", name });

export const jsonl = (text: string, name = "input.jsonl"): Promise<TableReader> =>
  openTable({ stream: bytesOf(text) }, { format: "jsonl", name });

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
