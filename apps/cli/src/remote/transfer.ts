import { auditOf, type PlannedFile, RemoteError, type SyncOptions, type SyncResult, syncDataset } from "@usr/remotes";
import type { Outcome, RunCommand, Typed } from "../command.ts";
import { type CodedError, EXIT, exitCodeOf, isCoded, UsageError } from "../errors.ts";
import { safe } from "../safe.ts";
import type { Session } from "../session.ts";
import { bytesText, count } from "../text.ts";
import { flag, text, variadic } from "../typed.ts";
import { writeAudit } from "./audit-file.ts";
import { warn } from "./compare.ts";
import { progressLine } from "./progress.ts";
import { contextOf, type Ends, limitsOf, openEnds, verifyOf } from "./sites.ts";

type Direction = "pull" | "push";

/** What came of one dataset. */
interface Done {
  readonly dataset: string;
  readonly result?: SyncResult | undefined;
  readonly error?: CodedError | undefined;
  readonly audit: Readonly<Record<string, unknown>>;
}

/** `pull` and `push` are one sync, one way or the other, of one dataset after the other. */
export const transfer =
  (direction: Direction): RunCommand =>
  async (session, typed): Promise<Outcome> => {
    const names = [...variadic(typed, 0)];
    const remote = names.pop() ?? "";
    if (flag(typed, "all") !== (names.length === 0)) {
      throw new UsageError(
        flag(typed, "all") ? "--all and names of datasets exclude each other" : "the remote's name is missing",
        { hint: `Type: usr ${direction} DATASET… REMOTE, or usr ${direction} --all REMOTE.` },
      );
    }
    await using ends = await openEnds(session, remote);
    const o = await optionsOf(session, typed, ends);
    const from = direction === "pull" ? ends.remote : ends.local;
    const datasets = flag(typed, "all") ? await from.datasets({ signal: session.environment.signal }) : names;
    const dryRun = flag(typed, "dryRun");
    if (o.mirror === true && !dryRun) await confirmMirror(session, ends, direction, datasets, o);
    const done: Done[] = [];
    for (const dataset of datasets) {
      const one = await syncOne(session, ends, direction, dataset, { ...o, dryRun });
      done.push(one);
      if (one.error?.code === "UNREACHABLE") break;
    }
    const single = names.length === 1;
    await writeAudit(session, text(typed, "auditJsonOut"), single ? done[0]?.audit : done.map(({ audit }) => audit));
    const failed = done.find(({ error }) => error !== undefined)?.error;
    if (single && failed !== undefined) throw failed;
    return {
      kind: "document",
      data: { datasets: done.map(({ audit }) => audit) },
      exitCode: exitOf(done),
      text: () => done.map((one) => describe(direction, one, dryRun)).join("") || "No datasets.\n",
    };
  };

const optionsOf = async (session: Session, typed: Typed, { profile }: Ends): Promise<SyncOptions> => {
  const { environment } = session;
  const o = {
    limits: await limitsOf(session),
    verify: verifyOf(typed, profile),
    primaryOnly: flag(typed, "primaryOnly"),
    snapshots: flag(typed, "snapshots"),
    mirror: flag(typed, "mirror"),
    overwriteBase: flag(typed, "overwriteBase"),
    overwriteRegistry: flag(typed, "overwriteRegistry"),
    overwriteOverlays: flag(typed, "overwriteOverlays"),
    overwriteOther: flag(typed, "overwriteOther"),
    signal: environment.signal,
  };
  if (o.primaryOnly && (o.mirror || o.snapshots))
    throw new UsageError("--primary-only goes with neither --mirror nor --snapshots", {
      hint: "Leave one of them out.",
    });
  return o;
};

const confirmMirror = async (
  session: Session,
  ends: Ends,
  direction: Direction,
  datasets: readonly string[],
  o: SyncOptions,
): Promise<void> => {
  const plans = [];
  for (const dataset of datasets)
    plans.push(await syncDataset({ ...ends, dataset, direction }, await contextOf(session), { ...o, dryRun: true }));
  const lost = plans.flatMap(({ before, files }) =>
    files
      .filter(({ action }) => action === "delete" || action === "replace")
      .map(({ action, path }) => `  ${action} ${before.dataset}/${path}`),
  );
  if (lost.length === 0) return;
  const where = direction === "pull" ? "here" : `at ${ends.profile.name}`;
  await session.confirm(`This takes away what only lies ${where}:\n${lost.join("\n")}\nGo on?`);
};

const syncOne = async (
  session: Session,
  { local, remote, profile }: Ends,
  direction: Direction,
  dataset: string,
  o: SyncOptions & { readonly dryRun: boolean },
): Promise<Done> => {
  const { environment } = session;
  const started = environment.clock();
  const line = progressLine(session, `${direction} ${dataset}`);
  const finished = () => {
    const now = environment.clock();
    return { seconds: Number(now - started) / 1e6, finishedAt: new Date(Number(now / 1000n)).toISOString() };
  };
  try {
    const context = { ...(await contextOf(session)), onProgress: line.onProgress };
    const result = await syncDataset({ dataset, local, remote, direction }, context, o);
    line.end();
    warn(session, result.evidence.notes);
    const facts = { ...result, ...finished(), action: direction, primaryOnly: o.primaryOnly === true };
    return { dataset, result, audit: auditOf(result.before, facts) };
  } catch (error) {
    line.end();
    if (!isCoded(error) || environment.signal.aborted) throw error;
    const { code, message, hint, details } = error;
    const { seconds, finishedAt } = finished();
    const audit = {
      action: direction,
      transfer_state: "FAILED",
      dataset,
      remote: profile.name,
      error: { code, message, hint: hint ?? null, details: details ?? {} },
      seconds,
      finished_at: finishedAt,
    };
    return { dataset, error, audit };
  }
};

/** The first failure decides; then what could not be proved, then what a dry run found in the way. */
const exitOf = (done: readonly Done[]): number => {
  const failed = done.find(({ error }) => error !== undefined);
  if (failed !== undefined) return exitCodeOf(failed.error);
  if (done.some(({ result }) => result?.evidence.weaker === true)) return EXIT.unproved;
  const [conflict] = done.flatMap(({ result }) => result?.conflicts ?? []);
  return conflict === undefined ? EXIT.done : exitCodeOf(new RemoteError(conflict.code, conflict.message));
};

const describe = (direction: Direction, { dataset, result, error }: Done, dryRun: boolean): string => {
  if (error !== undefined)
    return `${direction} ${dataset}: ${safe(error.message)} [${error.code}]\n${error.hint === undefined ? "" : `  hint: ${safe(error.hint)}\n`}`;
  if (result === undefined) return "";
  const { state, evidence, files, bytes, lines, conflicts, before } = result;
  if (state === "NO-OP") {
    const there = direction === "pull" ? `all of ${before.remote} is here` : `${before.remote} has all of it`;
    return `${direction} ${dataset}: nothing to do; ${there}, by ${evidence.proved}\n`;
  }
  const size = dryRun ? files.reduce((sum, file) => sum + file.bytes, 0) : bytes;
  const list = dryRun ? files.map(lineOf).join("") : "";
  const refused = conflicts
    .map(({ code, message, hint }) => `conflict: ${safe(message)} [${code}]\n  hint: ${safe(hint)}\n`)
    .join("");
  return `${list}${refused}${direction} ${dataset}: ${dryRun ? "would move " : ""}${count(files.length, "file")}, ${bytesText(size)}, ${count(lines, "event")}; ${dryRun ? "compared" : "proved"} by ${evidence.proved}\n`;
};

const lineOf = ({ action, path, bytes }: PlannedFile): string =>
  `${action.padEnd(8)}${safe(path)}${bytes > 0 ? `  ${bytesText(bytes)}` : ""}\n`;
