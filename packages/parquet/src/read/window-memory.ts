/** Memory that the bytes of one window are read into. */
export interface WindowMemory {
  /** Memory of at least `size` bytes, whatever they are; `undefined` where the source has its own, or so few are not worth it. */
  take(size: number): Uint8Array | undefined;
  /** What a source answered that was given some. */
  settle(given: Uint8Array | undefined, answer: Uint8Array): void;
  /** Nobody looks at the bytes any more: the window has gone into columns, which are copies. */
  release(): void;
}

/** Fewer bytes are left to the source. */
const WORTH = 64 * 1024;

/**
 * Memory for windows that are read one after the other: a window is read into the memory of the one before the last, for that one is done with
 * when the last is begun. To allocate a row group each time is what garbage collections come from.
 */
export function windowMemories(): () => WindowMemory {
  let spare: readonly Uint8Array[] = [];
  let honoured = true;
  return () => {
    const held: Uint8Array[] = [];
    return {
      take: (size) => {
        if (size < WORTH || !honoured) return undefined;
        const found = spare.find(({ length }) => length >= size);
        spare = spare.filter((memory) => memory !== found);
        return found ?? new Uint8Array(size + (size >> 3));
      },
      settle: (given, answer) => {
        if (given === undefined) return;
        if (answer.buffer === given.buffer) held.push(given);
        else honoured = false;
      },
      // What fitted none of the windows since is let go.
      release: () => {
        spare = held.splice(0);
      },
    };
  };
}
