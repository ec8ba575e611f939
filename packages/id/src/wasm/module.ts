/**
 * Just enough of an assembler for WebAssembly: an instruction is a byte or several, and lists of instructions are laid end to end once, at the end.
 * To spread each list into the next one took 10 ms for the module that hashes.
 */
export type Code = number | readonly Code[];

const laid = (code: Code, out: number[] = []): readonly number[] => {
  if (typeof code === "number") out.push(code);
  else for (const part of code) laid(part, out);
  return out;
};

export const I32 = 0x7f;
export const V128 = 0x7b;
export const PAGE = 65_536;

export const unsigned = (value: number): Code => (value < 128 ? value : [(value & 127) | 128, unsigned(value >>> 7)]);
const signed = (value: number): Code =>
  value >= -64 && value < 64 ? value & 127 : [(value & 127) | 128, signed(value >> 7)];
const sized = (code: Code): Code => {
  const bytes = laid(code);
  return [unsigned(bytes.length), bytes];
};

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number): Code => [0x21, unsigned(local)];
export const tee = (local: number): Code => [0x22, unsigned(local)];
export const int = (value: number): Code => [0x41, signed(value)];
export const simd = (code: number): Code => [0xfd, unsigned(code)];
export const ADD = 0x6a;
export const SUB = 0x6b;
export const SHIFT_LEFT = 0x74;
export const SHIFT_RIGHT = 0x76;

const text = (value: string): Code => sized(Array.from(new TextEncoder().encode(value)));
const section = (id: number, content: Code): Code => [id, sized(content)];

/** A module that exports `memory` of so many pages and one function of integers, whose body (locals, code, end) is given. */
export function wasmModule(o: {
  readonly name: string;
  readonly parameters: number;
  /** Whether the function answers with an integer. */
  readonly answers: boolean;
  readonly body: Code;
  readonly pages: number;
}): Uint8Array<ArrayBuffer> {
  const type = [0x60, o.parameters, Array<number>(o.parameters).fill(I32), o.answers ? [1, I32] : 0];
  return Uint8Array.from(
    laid([
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, [1, type]),
      section(3, [1, 0]),
      section(5, [1, 0, unsigned(o.pages)]),
      section(7, [2, text("memory"), 2, 0, text(o.name), 0, 0]),
      section(10, [1, sized(o.body)]),
    ]),
  );
}

export interface OpenedModule {
  readonly memory: ArrayBuffer;
  readonly run: (...values: readonly number[]) => unknown;
}

const instances = new Map<string, OpenedModule | undefined>();

/**
 * What a module exports; undefined where there is no WebAssembly, none of what the module needs, or a policy against it. All who ask for a
 * module get the same memory, for its function is never re-entered: it has to be told anew what another one may have told it.
 */
export function openModule(bytes: () => Uint8Array<ArrayBuffer>, name: string): OpenedModule | undefined {
  if (!instances.has(name)) instances.set(name, instantiated(bytes, name));
  return instances.get(name);
}

const instantiated = (bytes: () => Uint8Array<ArrayBuffer>, name: string): OpenedModule | undefined => {
  let exports: WebAssembly.Exports;
  try {
    exports = new WebAssembly.Instance(new WebAssembly.Module(bytes())).exports;
  } catch {
    return undefined;
  }
  const { memory, [name]: run } = exports;
  if (!(memory instanceof WebAssembly.Memory) || typeof run !== "function") return undefined;
  return { memory: memory.buffer, run: (...values) => run(...values) };
};
