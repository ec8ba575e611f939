import type { Progress } from "@usr/remotes";
import type { Session } from "../session.ts";
import { bytesText } from "../text.ts";

const EVERY_US = 200_000n;
const CLEAR = "\r\u001b[K";

/** Shows how far a transfer has come, on a terminal and nowhere else; `end` takes the line away. */
export const progressLine = (
  { environment, options }: Session,
  title: string,
): { readonly onProgress: ((progress: Progress) => void) | undefined; readonly end: () => void } => {
  if (!environment.stderrIsTerminal || options.quiet) return { onProgress: undefined, end: () => undefined };
  const started = environment.clock();
  let shown = started - EVERY_US;
  return {
    onProgress: ({ bytesDone, bytesTotal, filesDone, filesTotal }): void => {
      const now = environment.clock();
      if (now - shown < EVERY_US) return;
      shown = now;
      const seconds = Number(now - started) / 1e6;
      const rate = seconds > 0 ? bytesDone / seconds : 0;
      const left = rate > 0 ? ` ${duration((bytesTotal - bytesDone) / rate)} left` : "";
      const text = `${title}: ${bytesText(bytesDone)} of ${bytesText(bytesTotal)}, ${filesDone}/${filesTotal} files, ${bytesText(Math.round(rate))}/s${left}`;
      environment.stderr(`${CLEAR}${text.slice(0, Math.max(20, environment.columns - 1))}`);
    },
    end: () => environment.stderr(CLEAR),
  };
};

const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};
