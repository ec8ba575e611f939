import { auditOf, changesOf, type DatasetDiff, diffDataset, type PlannedFile } from "@usr/remotes";
import type { Outcome, RunCommand, Typed } from "../command.ts";
import { EXIT } from "../errors.ts";
import { safe } from "../safe.ts";
import type { Session } from "../session.ts";
import { align, bytesText, count } from "../text.ts";
import { argument, flag, text } from "../typed.ts";
import { writeAudit } from "./audit-file.ts";
import { limitsOf, openEnds, verifyOf } from "./sites.ts";

/** `diff` and `status` are one comparison, shown at length or briefly. */
export const compare =
  (brief: boolean): RunCommand =>
  async (session, typed): Promise<Outcome> => {
    const started = session.environment.clock();
    await using ends = await openEnds(session, argument(typed, 1));
    const { local, remote } = ends;
    const diff = await diffDataset(
      { dataset: argument(typed, 0), local, remote },
      { verify: verifyOf(typed, ends.profile), limits: await limitsOf(session), signal: session.environment.signal },
    );
    warn(session, diff.evidence.notes);
    await writeAudit(session, text(typed, "auditJsonOut"), auditFor(session, diff, started));
    return {
      kind: "document",
      data: dataOf(diff),
      exitCode: exitOf(diff, typed),
      text: () => (brief ? briefly(diff) : atLength(diff)),
    };
  };

const exitOf = ({ evidence, hasChange }: DatasetDiff, typed: Typed): number => {
  if (evidence.weaker) return EXIT.unproved;
  return hasChange && flag(typed, "exitCode") ? EXIT.data : EXIT.done;
};

/** What could not be proved is said before anything else. */
export const warn = (session: Session, notes: readonly string[]): void => {
  for (const note of notes) session.say(`warning: ${note}`);
};

const dataOf = (diff: DatasetDiff): Readonly<Record<string, unknown>> => ({
  dataset: diff.dataset,
  remote: diff.remote,
  verify_requested: diff.evidence.requested,
  verify_mode: diff.evidence.proved,
  verify_notes: diff.evidence.notes,
  has_change: diff.hasChange,
  changes: changesOf(diff),
  classes: diff.classes,
  conflicts: diff.conflicts,
  pull: planOf(diff.pull),
  push: planOf(diff.push),
});

const planOf = (files: readonly PlannedFile[] | undefined): unknown =>
  files === undefined ? null : { files, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };

const auditFor = ({ environment }: Session, diff: DatasetDiff, started: bigint): unknown => {
  const now = environment.clock();
  return auditOf(diff, {
    action: "diff",
    state: "DIFF-ONLY",
    evidence: diff.evidence,
    files: [],
    conflicts: diff.conflicts,
    bytes: 0,
    lines: 0,
    seconds: Number(now - started) / 1e6,
    finishedAt: new Date(Number(now / 1000n)).toISOString(),
    primaryOnly: false,
  });
};

const sizeOf = (files: readonly PlannedFile[]): string =>
  `${count(files.length, "file")}, ${bytesText(files.reduce((sum, { bytes }) => sum + bytes, 0))}`;

const headline = (diff: DatasetDiff): string => {
  const { dataset, remote, hasChange, pull, push, conflicts, events } = diff;
  const ways = [
    ...(pull !== undefined && pull.length > 0 ? [`pull would bring ${sizeOf(pull)}`] : []),
    ...(push !== undefined && push.length > 0 ? [`push would send ${sizeOf(push)}`] : []),
    ...(conflicts.length > 0 ? [count(conflicts.length, "conflict")] : []),
    ...(events.altered > 0 ? [`${count(events.altered, "event")} told in other words`] : []),
  ];
  return `${dataset} and ${remote}: ${hasChange ? ways.join("; ") : "equal"}, by ${diff.evidence.proved}\n`;
};

const briefly = (diff: DatasetDiff): string => `${headline(diff)}${conflictLines(diff)}`;

const atLength = (diff: DatasetDiff): string => {
  const rows = diff.classes.flatMap(({ class: name, only_local, only_remote, different, late }) =>
    only_local.length + only_remote.length + different.length + late.length === 0
      ? []
      : [[name, sum(only_local), sum(only_remote), sum(different), sum(late)]],
  );
  const table =
    rows.length === 0
      ? ""
      : align(["class", "only here", "only there", "different", "late"], rows, [false, true, true, true, true]);
  const names = diff.classes.flatMap(({ only_local, only_remote, different, late }) => [
    ...only_local.map((path) => `only here   ${path}`),
    ...only_remote.map((path) => `only there  ${path}`),
    ...different.map((path) => `different   ${path}`),
    ...late.map((path) => `late        ${path}`),
  ]);
  return `${table}${names.map((line) => `${safe(line)}\n`).join("")}${headline(diff)}${conflictLines(diff)}`;
};

const sum = (paths: readonly string[]): string => {
  const [first] = paths;
  const lines = first === undefined ? undefined : /^(\d+) line\(s\)$/.exec(first)?.[1];
  return lines ?? (paths.length === 0 ? "" : String(paths.length));
};

const conflictLines = ({ conflicts }: DatasetDiff): string =>
  conflicts.map(({ code, message, hint }) => `conflict: ${safe(message)} [${code}]\n  hint: ${safe(hint)}\n`).join("");
