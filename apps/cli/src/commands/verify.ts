import { type VerifyReport, verifyDataset } from "@usr/remotes";
import type { Outcome, RunCommand, Typed } from "../command.ts";
import { EXIT, UsageError } from "../errors.ts";
import { warn } from "../remote/compare.ts";
import { openEnds, verifyOf } from "../remote/sites.ts";
import { safe } from "../safe.ts";
import { bytesText, count } from "../text.ts";
import { argument, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  // What is known from earlier proves nothing about what lies there now.
  await using ends = await openEnds(session, argument(typed, 1), { cached: false });
  const { local, remote, profile } = ends;
  const report = await verifyDataset(
    { dataset: argument(typed, 0), local, remote },
    {
      verify: verifyOf(typed, profile),
      sample: sampleOf(typed),
      random: session.environment.random,
      signal: session.environment.signal,
    },
  );
  const { evidence, ...rest } = report;
  warn(session, evidence.notes);
  return {
    kind: "document",
    data: {
      ...rest,
      verify_requested: evidence.requested,
      verify_mode: evidence.proved,
      verify_notes: evidence.notes,
      weaker: evidence.weaker,
    },
    exitCode: report.ok && !evidence.weaker ? EXIT.done : EXIT.unproved,
    text: () => describe(report),
  };
};

const sampleOf = (typed: Typed): number | undefined => {
  const wanted = text(typed, "sample");
  if (wanted === undefined) return undefined;
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(wanted)?.[1];
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) return Number(percent) / 100;
  throw new UsageError(`--sample takes a share such as 5%, not ${JSON.stringify(wanted)}`, {
    hint: "Type more than 0% and at most 100%.",
    details: { sample: wanted },
  });
};

const describe = (report: VerifyReport): string => {
  const { dataset, remote, ok, evidence, checked, shared, events } = report;
  const lines = [
    ...report.different.map((path) => `different   ${path}`),
    ...report.only_local.map((path) => `only here   ${path}`),
    ...report.only_remote.map((path) => `only there  ${path}`),
    ...(events.only_local > 0 ? [`only here   ${count(events.only_local, "event")}`] : []),
    ...(events.only_remote > 0 ? [`only there  ${count(events.only_remote, "event")}`] : []),
  ];
  const share = checked.files === shared.files ? "" : ` of ${count(shared.files, "file")}`;
  return `${lines.map((line) => `${safe(line)}\n`).join("")}${dataset} and ${remote}: ${ok ? "equal" : "not equal"}; ${count(checked.files, "file")}${share} (${bytesText(checked.bytes)}) compared by ${evidence.proved}\n`;
};
