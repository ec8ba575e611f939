import { RemoteError } from "../error.ts";
import { START } from "./open.ts";

/** Where an ssh remote is, and how to get there beyond what the user's own ssh configuration says. */
export interface SshTarget {
  /** A host name, or an alias of the ssh configuration. */
  readonly host: string;
  readonly user?: string | undefined;
  /** Of datasets on the remote; absolute. */
  readonly baseDir: string;
  /** A private key. */
  readonly identityFile?: string | undefined;
  /** Further `-o` options, each `Name=value`. */
  readonly options?: readonly string[] | undefined;
  /** Whether ssh may ask for passwords, second factors and new host keys on the terminal. */
  readonly interactive: boolean;
}

/**
 * The arguments of `ssh` for a target: nothing in them is ever read by a shell of this machine, and the command for the remote is always the
 * same. A target that could be taken for an option, or that would switch off the check of host keys, is a `RemoteError` `REMOTES_INVALID`.
 */
export function sshArguments(target: SshTarget): readonly string[] {
  return [...connectionArguments(target), "--", target.host, START];
}

/** The arguments with which `ssh` tells its settings for a target and connects nowhere. */
export function settingsArguments(target: SshTarget): readonly string[] {
  return [...connectionArguments(target), "-G", "--", target.host];
}

/**
 * The options that the user's own settings leave out: a host that takes the connection and says nothing would be waited for without end. Where
 * somebody is asked on the way, at a jump host too, it takes as long as it takes.
 */
export function missingOptions(target: SshTarget, settings: ReadonlyMap<string, string>): readonly string[] {
  const limited = (settings.get("connecttimeout") ?? "none") !== "none";
  return limited || target.interactive ? [] : ["ConnectTimeout=120"];
}

/** What `ssh -G` prints, by the names in lower case. */
export function parseSettings(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^(\S+) (.*)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value] as const];
    }),
  );
}

/** Whether ssh, with these settings, looks at who answers. */
export function checksHostKeys(settings: ReadonlyMap<string, string>): boolean {
  return !UNCHECKED.has(settings.get("stricthostkeychecking") ?? "ask");
}

/** Refuses a configuration that checks no host keys: `RemoteError` `REMOTES_INVALID`. */
export function checkSettings(settings: ReadonlyMap<string, string>, label: string): void {
  if (checksHostKeys(settings)) return;
  const checking = settings.get("stricthostkeychecking");
  throw new RemoteError("REMOTES_INVALID", `Your ssh configuration checks no host keys for ${label}.`, {
    hint: "Write StrictHostKeyChecking accept-new (or ask) for this host into ~/.ssh/config: without the check anybody could answer in its place.",
    details: { remote: label, StrictHostKeyChecking: checking },
  });
}

function connectionArguments(target: SshTarget): readonly string[] {
  const { user, identityFile, options = [] } = target;
  checkName("host", target.host, /^[^\s@/\\]+$/u);
  if (user !== undefined) checkName("user", user, /^[^\s@/:\\]+$/u);
  checkName("base_dir", target.baseDir, /^\//u);
  if (identityFile !== undefined) checkName("key", identityFile, /^/u);
  for (const option of options) checkOption(option);
  return [
    // As sftp does it: no terminal, no forwarding, nothing run on this side.
    "-T",
    "-x",
    "-a",
    ...options.flatMap((option) => ["-o", option]),
    ...["PermitLocalCommand=no", "ClearAllForwardings=yes", "ServerAliveInterval=30", "ServerAliveCountMax=4"].flatMap(
      (option) => ["-o", option],
    ),
    ...(target.interactive ? [] : ["-o", "BatchMode=yes"]),
    ...(identityFile === undefined ? [] : ["-i", identityFile]),
    ...(user === undefined ? [] : ["-l", user]),
  ];
}

function checkName(what: string, value: string, shape: RegExp): void {
  const reason = problemOf(what, value, shape);
  if (reason === undefined) return;
  throw new RemoteError("REMOTES_INVALID", `The ${what} ${JSON.stringify(value)} of the remote ${reason}.`, {
    hint: `Correct ${what} in the remotes file.`,
    details: { field: what, value },
  });
}

function problemOf(what: string, value: string, shape: RegExp): string | undefined {
  if (value === "") return "is empty";
  if (value.startsWith("-")) return "starts with a dash";
  if (/\p{Cc}/u.test(value)) return "holds a control character";
  if (shape.test(value)) return undefined;
  return what === "base_dir" ? "is not absolute (a ~ is not expanded)" : "is no name";
}

const UNCHECKED: ReadonlySet<string> = new Set(["no", "off", "false"]);
const MISFITS: ReadonlySet<string> = new Set([
  "requesttty",
  "remotecommand",
  "localcommand",
  "permitlocalcommand",
  "sendenv",
  "setenv",
]);

function checkOption(option: string): void {
  const problem = optionProblem(option);
  if (problem === undefined) return;
  const [reason, hint] = problem;
  throw new RemoteError("REMOTES_INVALID", `The ssh option ${JSON.stringify(option)} of the remote ${reason}.`, {
    hint,
    details: { option },
  });
}

function optionProblem(option: string): readonly [reason: string, hint: string] | undefined {
  const [, name, value] = /^([A-Za-z][A-Za-z0-9]*)=([^\p{Cc}]+)$/u.exec(option) ?? [];
  if (name === undefined || value === undefined) return ["is not Name=value", "Write it as ssh -o takes it."];
  const key = name.toLowerCase();
  const word = value
    .trim()
    .replace(/^"(.*)"$/, "$1")
    .toLowerCase();
  const unchecked =
    (key === "stricthostkeychecking" && UNCHECKED.has(word)) ||
    (/^(user|global)knownhostsfile$/.test(key) && /^(\/dev\/null|none)$/.test(word));
  if (unchecked) {
    return ["switches off the check of host keys", "Connect once by hand with ssh to accept the key of the host."];
  }
  return MISFITS.has(key) ? ["does not fit a transfer", "Leave it out."] : undefined;
}

/** Why ssh ended, from what it said on stderr. Its messages are the same in every language. */
export function sshFailure(
  label: string,
  end: { readonly code: number | null; readonly stderr: string; readonly answered: boolean },
): RemoteError {
  const said = lastLines(end.stderr);
  const details = { remote: label, exit: end.code, stderr: said };
  const error = (reason: string, message: string, hint: string): RemoteError =>
    new RemoteError("UNREACHABLE", message, { hint, details: { ...details, reason } });

  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key is known/i.test(end.stderr)) {
    return error(
      "host-key",
      `The host key of ${label} is not the one that is known${/HAS CHANGED/.test(end.stderr) ? ": it has changed" : ""}.`,
      "Find out why before you trust it; then connect once by hand with ssh, and correct known_hosts.",
    );
  }
  if (
    /Permission denied \(|Too many authentication failures|authentication methods|Authentication failed/i.test(
      end.stderr,
    )
  ) {
    return error(
      "authentication",
      `${label} did not let you in: ${said}.`,
      "Load your key into the agent, or open a shared connection first (ControlMaster) where a second factor is asked for.",
    );
  }
  if (end.answered) {
    return error(
      "cut",
      `The connection to ${label} was lost${said === "" ? "" : `: ${said}`}.`,
      "Repeat the command: it goes on from there.",
    );
  }
  if (end.code === 255 || end.code === null) {
    return error(
      "connection",
      `${label} cannot be reached${said === "" ? "" : `: ${said}`}.`,
      "Check the name, the network and the VPN, and try ssh by hand.",
    );
  }
  return error(
    "shell",
    `${label} let you in, but its login shell ran something else (exit ${end.code}${said === "" ? "" : `: ${said}`}).`,
    "The account must be able to run sh: a forced command, a restricted shell or a failing start-up file stands in the way.",
  );
}

/** The end of what was said, in one line. Control characters are the terminal's, not ours. */
function lastLines(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(/\p{Cc}/gu, "").trim())
    .filter((line) => line !== "");
  return lines.slice(-3).join("; ").slice(-400).replace(/\.$/, "");
}
