import { cp } from "node:fs/promises";
import { join } from "node:path";
import { sequenceId } from "@usr/id";
import { goldenPath } from "@usr/testkit";
import { expect } from "vitest";
import { demoWorkspace, openWorkspace, type Ran, type Workspace } from "./support.ts";

export { demoWorkspace as demo };

/** The rows of `demoWorkspace`, in base order. */
export const SEQUENCES = ["ACGT", "TTTT", "GGGG", "acgt", "CCGG"] as const;
const id = (at: number): string => sequenceId("dna", SEQUENCES[at]!);
export const IDS: readonly [string, string, string, string, string] = [id(0), id(1), id(2), id(3), id(4)];

/** A command that must succeed, and say nothing on stderr. */
export const done = async (w: Workspace, args: readonly string[], input?: string | Uint8Array): Promise<Ran> => {
  const ran = await w.usr(args, { input });
  expect([args.join(" "), ran.code, ran.stderr]).toEqual([args.join(" "), 0, ""]);
  return ran;
};

/** Registers columns, one type of which the Python program cannot load: a command that must succeed, and warn of that column alone. */
export const registerBeyondPython = async (w: Workspace, columns: string, warned: string): Promise<void> => {
  const ran = await w.usr(["namespace", "register", "mock", "--columns", columns]);
  const warning = new RegExp(`^warning: The column ${warned} holds [^\\n]* \\[BAD_TYPE\\]\\nhint: [^\\n]*\\n$`);
  expect([ran.code, ran.stderr]).toEqual([0, expect.stringMatching(warning)]);
};

/** A command that must fail with this exit code and error code, print nothing on stdout and change no byte. */
export const refused = async (
  w: Workspace,
  args: readonly string[],
  code: string,
  o: { readonly exit?: number; readonly input?: string | Uint8Array | undefined } = {},
): Promise<NonNullable<Ran["error"]>> => {
  const before = await w.bytes();
  const { exit = 3, input } = o;
  const ran = await w.usr(args, { input });
  expect([args.join(" "), ran.code, ran.error?.code, ran.stdout]).toEqual([args.join(" "), exit, code, ""]);
  expect([...(await w.bytes())]).toEqual([...before]);
  if (ran.error === undefined) throw new Error("no error document");
  return ran.error;
};

/** Attaches csv text to demo by id. */
export const attach = (
  w: Workspace,
  input: string,
  o: { readonly namespace?: string; readonly key?: string; readonly extra?: readonly string[] } = {},
): Promise<Ran> => done(w, attachArgs(o), input);

export const attachArgs = (
  o: { readonly namespace?: string; readonly key?: string; readonly extra?: readonly string[] } = {},
): readonly string[] => [
  ...["attach", "demo", "--path", "-", "--from", "csv"],
  ...["--namespace", o.namespace ?? "mock", "--key", o.key ?? "id", ...(o.extra ?? [])],
];

export const importArgs = (dataset = "demo"): readonly string[] => [
  ...["import", dataset, "--path", "-", "--from", "csv", "--bio-type", "dna", "--alphabet", "dna_4"],
];

/** The sequences a scan shows, in its order. */
export const shown = async (w: Workspace, ...extra: readonly string[]): Promise<readonly unknown[]> =>
  (await done(w, ["scan", "demo", "--columns", "sequence", ...extra])).rows.map((row) => row["sequence"]);

/** One column of a scan. */
export const column = async (w: Workspace, name: string): Promise<readonly unknown[]> =>
  (await done(w, ["scan", "demo", "--columns", name])).rows.map((row) => row[name]);

/** The last event of demo. */
export const lastEvent = async (w: Workspace): Promise<Record<string, unknown> | undefined> =>
  (await done(w, ["events", "tail", "demo", "-n", "1"])).rows[0];

/** What `validate` finds that is no mere remark. */
export const errorsFound = async (w: Workspace, ...extra: readonly string[]): Promise<readonly unknown[]> => {
  const { data } = await w.usr(["validate", "demo", ...extra]);
  const { problems } = Object(data);
  if (!Array.isArray(problems)) throw new Error("no report");
  return problems.filter((problem: unknown) => Object(problem).severity === "error");
};

/** Files of the root whose path fits. */
export const paths = async (w: Workspace, pattern: RegExp): Promise<readonly string[]> =>
  [...(await w.bytes()).keys()].filter((path) => pattern.test(path)).sort();

/** A workspace on a copy of a golden root. */
export const goldenWorkspace = async (name: string): Promise<Workspace> => {
  const w = await openWorkspace();
  await cp(goldenPath(name), w.root, { recursive: true });
  return w;
};

export const at = (w: Workspace, path: string): string => join(w.root, path);

export const scan = async (w: Workspace): Promise<string> => (await done(w, ["scan", "demo"])).stdout;

/** demo with three parts of mock that overlap in keys and differ in columns and their order. */
export const threeParts = async (): Promise<Workspace> => {
  const w = await demoWorkspace();
  const [A, T, G] = IDS;
  await attach(w, `id,score,tag\n${A},1,old\n${T},2,two\n`);
  await attach(w, `id,n,score\n${T},7,\n${G},8,3\n`, { extra: ["--overwrite"] });
  await attach(w, `tag,id,score\nnew,${A},\n`, { extra: ["--overwrite"] });
  return w;
};
