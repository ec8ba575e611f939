import { expect, it } from "vitest";
import { parseRemotes, withoutRemote, withRemote } from "../src/config/index.ts";
import type { RemoteProfile } from "../src/types.ts";

const disk: RemoteProfile = { type: "file", name: "disk", baseDir: "/media/x", verify: "hash" };
const cluster: RemoteProfile = {
  type: "ssh",
  name: "cluster",
  host: "login1",
  user: "alice",
  baseDir: "/project/x",
  verify: undefined,
  sshKeyEnv: undefined,
  batchMode: true,
};

const PYTHON = `# my remotes
remotes:
  # the big one
  bu-scc:
    base_dir: /project/x/usr/datasets
    host: scc1.bu.edu
    local_repo_root: null
    repo_root: /project/x/dnadesign
    ssh_key_env: null
    type: ssh   # only ssh
    user: alice
    port: 22
other: [1, 2]
`;

it.each([undefined, "", "# nothing yet\n", "remotes:\n", "remotes: {}\n", "other: 1\n"])("adds to %j", async (text) => {
  const one = await withRemote(text, disk);
  const two = await withRemote(one, cluster);
  expect(await parseRemotes(two)).toEqual([
    { name: "disk", profile: disk },
    { name: "cluster", profile: cluster },
  ]);
  if (text?.startsWith("#") === true) expect(two).toContain("# nothing yet");
  if (text?.startsWith("other") === true) expect(two).toContain("other: 1");
  expect(one).toMatch(/\n {2}disk:\n {4}type: file\n {4}base_dir: \/media\/x\n {4}verify: hash\n$|disk: *\{/);
});

it("reads what the Python program writes, and keeps comments and keys it does not know", async () => {
  expect(await parseRemotes(PYTHON)).toEqual([
    {
      name: "bu-scc",
      profile: { ...cluster, name: "bu-scc", host: "scc1.bu.edu", baseDir: "/project/x/usr/datasets" },
    },
  ]);
  const more = await withRemote(PYTHON, disk);
  const kept = PYTHON.replace("   # only", " # only").replace("[1, 2]", "[ 1, 2 ]");
  expect(more.startsWith(kept.slice(0, kept.indexOf("other:")))).toBe(true);
  expect(await withoutRemote(more, "disk")).toBe(kept);
  const changed = await withRemote(PYTHON, { ...cluster, name: "bu-scc", host: "scc2" }, { replace: true });
  for (const text of ["# the big one", "# only ssh", "port: 22", "repo_root: /project/x/dnadesign", "host: scc2"])
    expect(changed).toContain(text);
  await expect(withRemote(PYTHON, { ...cluster, name: "bu-scc" })).rejects.toMatchObject({ code: "REMOTE_EXISTS" });
  await expect(withoutRemote(PYTHON, "nowhere")).rejects.toMatchObject({ code: "REMOTE_NOT_FOUND" });
});

it.each([
  ["host: [1]", "`host`"],
  ["host: -oProxyCommand=x", "begins with '-'"],
  ["type: ftp", '"ftp"'],
  ['batch_mode: "false"', "neither true nor false"],
  ["verify: maybe", '"maybe"'],
  ["user: null", "`user`"],
  ["user: 1", "`user`"],
])("says what is wrong with %s, and reads the others", async (line, problem) => {
  const key = line.split(":")[0]!;
  const fields = { type: "ssh", host: "h", user: "u", base_dir: "/d" };
  const rest = Object.entries(fields).filter(([name]) => name !== key);
  const record = [...rest.map(([name, value]) => `${name}: ${value}`), line].map((text) => `    ${text}\n`).join("");
  const [broken, sound] = await parseRemotes(`remotes:\n  a:\n${record}  b:\n    type: file\n    base_dir: /d\n`);
  expect(broken).toMatchObject({ name: "a", problem: expect.stringContaining(problem) });
  expect(sound).toMatchObject({ profile: { baseDir: "/d" } });
});

it.each(["- a\n", "remotes: [a]\n", "remotes: {a: b\n", "remotes:\n  a: &x {type: file}\n  a: 1\n"])(
  "refuses %j",
  async (text) => {
    await expect(parseRemotes(text)).rejects.toMatchObject({ code: "REMOTES_INVALID" });
  },
);

it("takes no web address with a password", async () => {
  const [entry] = await parseRemotes("remotes:\n  a:\n    type: http\n    url: https://me:secret@example.org/\n");
  expect(entry).toMatchObject({ problem: expect.not.stringContaining("secret") });
});

/** `&a [..]` nested: 9^9 values when it is spelled out. */
const BOMB = `a: &a [1,1,1,1,1,1,1,1,1]\n${"bcdefghi".replaceAll(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`;

it.each([
  ["an alias bomb", `${BOMB}remotes: {}\n`],
  ["a nest of 100,000", `remotes: ${"[".repeat(100_000)}`],
  ["a name twice", "remotes:\n  a: {type: file, base_dir: /x}\n  a: {type: file, base_dir: /y}\n"],
  ["no YAML", "{[}\u0000\u0001"],
  ["a list", "- a\n"],
])("hostile YAML is refused: %s", async (_, text) => {
  for (const work of [parseRemotes(text), withRemote(text, disk), withoutRemote(text, "a")])
    await expect(work).rejects.toMatchObject({ code: "REMOTES_INVALID", hint: expect.stringMatching(/./) });
});

it("names of JavaScript are names like others, and a bad one breaks nothing else", async () => {
  const entries = await parseRemotes(
    "remotes:\n  __proto__: {type: file, base_dir: /x}\n  constructor: {type: file, base_dir: /y}\n",
  );
  expect(entries).toMatchObject([
    { name: "__proto__", problem: expect.stringContaining("no name") },
    { name: "constructor", profile: { baseDir: "/y" } },
  ]);
});
