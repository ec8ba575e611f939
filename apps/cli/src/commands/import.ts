import { importAnnotated } from "@usr/dataset/overlays";
import { importStream, type SessionOptions, type SessionTotals, type StreamResult } from "@usr/dataset/session";
import { type ImportResult, importRows, type WritableRoot } from "@usr/dataset/write";
import type { TableReader } from "@usr/formats";
import type { Outcome, RunCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { formatFor, openInput, sha256OfFile } from "../input.ts";
import { requireDataset } from "../registry.ts";
import type { Session } from "../session.ts";
import { count } from "../text.ts";
import { argument, flag, integer, requiredText, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const sequencesOnly = flag(typed, "sequencesOnly");
  const id = argument(typed, 0);
  const path = requiredText(typed, "path");
  const annotated = formatFor(path, text(typed, "from")).format === "genbank";
  if (sequencesOnly && !annotated) {
    throw new UsageError("--sequences-only is for genbank", { hint: "Other formats bring no annotations." });
  }
  const flushRows = integer(typed, "flushRows");
  const flushSeconds = integer(typed, "flushSeconds");
  const flushing = flushRows !== undefined || flushSeconds !== undefined;
  if (flushing) requireFlushable({ flushRows, dryRun, annotated: annotated && !sequencesOnly });
  const root = await session.writableRoot();
  await requireDataset(root, id);
  await using input = await openInput(session, path, {
    from: text(typed, "from"),
    eager: flushSeconds !== undefined,
    batchRows: flushRows ?? (flushing ? undefined : WHOLE_GROUP),
  });
  const o = {
    path: input.name,
    bioType: text(typed, "bioType"),
    alphabet: text(typed, "alphabet"),
    source: text(typed, "source"),
    onConflict: text(typed, "onConflict") === "ignore" ? "ignore" : "error",
    dryRun,
  } as const;
  const { ignored_columns: ignored, ...data }: ImportResult & Extras = flushing
    ? await streamed(session, root, id, input.table, {
        ...o,
        flushRows,
        flushMs: flushSeconds === undefined ? Number.POSITIVE_INFINITY : flushSeconds * 1000,
      })
    : annotated && !sequencesOnly
      ? await importAnnotated(root, id, input.table, { ...o, sourceSha256: await sha256OfFile(path) })
      : await importRows(root, id, input.table, o);
  if (ignored.length > 0)
    session.say(`note: an import does not look at the column(s) ${ignored.join(", ")}; attach them instead`);
  const skipped = data.rows_skipped > 0 ? `, skipped ${count(data.rows_skipped, "stored row")}` : "";
  const flushes = data.flushes === undefined ? "" : ` in ${count(data.flushes, "commit")}`;
  const annotations = data.rows_annotated === undefined ? "" : `, annotations for ${count(data.rows_annotated, "row")}`;
  return {
    kind: "document",
    data,
    text: () =>
      `${dryRun ? "Would import" : "Imported"} ${count(data.rows_added, "row")} into ${data.dataset}${flushes}${skipped}${annotations}\n`,
  };
};

/** Rows of a row group of a base: batches of as many are written as they are, and others are put together first. */
const WHOLE_GROUP = 65_536;

/** What some imports say beyond the usual. */
interface Extras {
  readonly rows_annotated?: number;
  readonly flushes?: number;
}

const requireFlushable = (o: {
  readonly flushRows: number | undefined;
  readonly dryRun: boolean;
  readonly annotated: boolean;
}): void => {
  if (o.flushRows === 0) throw new UsageError("--flush-rows is 0", { hint: "Give how many rows go into one commit." });
  if (o.dryRun) {
    throw new UsageError("--dry-run plans one commit, --flush-rows and --flush-seconds make many", {
      hint: "Leave one of them out.",
    });
  }
  if (o.annotated) {
    throw new UsageError("annotations of genbank are imported as a whole", {
      hint: "Leave --flush-rows and --flush-seconds out, or type --sequences-only.",
    });
  }
};

/** At most one line so often says how far a stream is. */
const SAY_EVERY_US = 1_000_000n;

const streamed = async (
  session: Session,
  root: WritableRoot,
  id: string,
  table: TableReader,
  o: SessionOptions,
): Promise<StreamResult> => {
  const { clock } = session.environment;
  const stand = ({ rows_added, flushes }: SessionTotals): string =>
    `${count(rows_added, "row")} in ${count(flushes, "commit")}`;
  let last: SessionTotals | undefined;
  let next = clock() + SAY_EVERY_US;
  const onFlush = (totals: SessionTotals): void => {
    last = totals;
    if (clock() < next) return;
    session.say(`committed ${stand(totals)}`);
    next = clock() + SAY_EVERY_US;
  };
  try {
    return await importStream(root, id, table, { ...o, onFlush });
  } catch (error) {
    session.say(`note: ${last === undefined ? "nothing is" : `${stand(last)} are`} committed, and no row after that`);
    throw error;
  }
};
