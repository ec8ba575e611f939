/** While so many bytes wait for the disk they are flushed, so that the end of a large file need not wait for all of it. */
const FLUSH = 8 * 2 ** 20;

/**
 * Flushes a file as it grows: `grown` is told its size in bytes after each write, `end` flushes the rest. A failure is told at its end: the system
 * tells it once, and the last flush may not see it.
 */
export const flusher = (file: { sync(): Promise<void> }): { grown(size: number): void; end(): Promise<void> } => {
  let running: Promise<void> | undefined;
  let flushed = 0;
  return {
    grown: (size) => {
      if (running !== undefined || size - flushed < FLUSH) return;
      flushed = size;
      running = file.sync().then(() => {
        running = undefined;
      });
      running.catch(() => {});
    },
    end: async () => {
      await running;
      await file.sync();
    },
  };
};
