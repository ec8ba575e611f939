import type { Document, ParsedNode } from "yaml";
import { RemoteError } from "../error.ts";
import type { RemoteProfile, VerifyMode } from "../types.ts";

/** One entry of the file: a profile, or why it is none. A broken entry does not stop the others. */
export type RemoteEntry =
  | { readonly name: string; readonly profile: RemoteProfile }
  | { readonly name: string; readonly problem: string };

/** Everything a profile may say, as it stands in the file. */
const KEYS = { ssh: ["host", "user", "base_dir"], file: ["base_dir"], http: ["url"] } as const;
const TYPES = ["ssh", "file", "http"] as const;
const VERIFY: readonly VerifyMode[] = ["auto", "hash", "size", "parquet"];

/**
 * The remotes of a file, in its order. Keys this program does not know are passed over.
 *
 * @throws RemoteError `REMOTES_INVALID` where the text is no YAML or `remotes` is no mapping
 */
export const parseRemotes = async (text: string): Promise<readonly RemoteEntry[]> => {
  const remotes = valuesOf(await parse(text))["remotes"] ?? {};
  return Object.entries(mapping(remotes) ?? {}).map(([name, value]) => {
    try {
      return { name, profile: profileOf(name, mapping(value)) };
    } catch (error) {
      if (error instanceof RemoteError) return { name, problem: error.message };
      throw error;
    }
  });
};

/** The remote of that name. Throws `REMOTE_NOT_FOUND`, `REMOTES_INVALID`. */
export const findRemote = (entries: readonly RemoteEntry[], name: string): RemoteProfile => {
  const entry = entries.find((other) => other.name === name);
  if (entry === undefined) {
    throw new RemoteError("REMOTE_NOT_FOUND", `there is no remote ${JSON.stringify(name)}`, {
      hint:
        entries.length === 0
          ? "Add one with: usr remotes add NAME --type ssh|file|http …"
          : `The remotes are: ${entries.map((other) => other.name).join(", ")}.`,
      details: { remote: name },
    });
  }
  if ("profile" in entry) return entry.profile;
  throw invalid(entry.problem, { remote: name });
};

/**
 * The text of the file with a remote added. Comments, unknown keys and everything else stay as they are; `replace` overwrites the known keys
 * of an entry that is there. `undefined` = there is no file yet.
 *
 * @throws RemoteError `REMOTE_EXISTS` without `replace`; `REMOTES_INVALID` where the file or the profile is wrong
 */
export const withRemote = async (
  text: string | undefined,
  profile: RemoteProfile,
  o: { readonly replace?: boolean | undefined } = {},
): Promise<string> => {
  const record = recordOf(profile);
  profileOf(profile.name, record);
  const document = await parse(text ?? "remotes:\n");
  const path = ["remotes", profile.name];
  if (document.hasIn(path) && o.replace !== true) {
    throw new RemoteError("REMOTE_EXISTS", `the remote ${profile.name} is there already`, {
      hint: "Look at it with usr remotes show, or write over it with --overwrite.",
      details: { remote: profile.name },
    });
  }
  const { isCollection, YAMLMap } = await import("yaml");
  if (document.contents === null) return `${text ?? ""}${await withRemote(undefined, profile)}`;
  // An empty value is a node of its own, which would have to be replaced and not filled.
  if (!isCollection(document.get("remotes"))) {
    document.delete("remotes");
    document.set("remotes", new YAMLMap());
  }
  if (!isCollection(document.getIn(path))) {
    document.deleteIn(path);
    document.setIn(path, new YAMLMap());
  }
  for (const [key, value] of Object.entries(record)) document.setIn([...path, key], value);
  return document.toString({ lineWidth: 0 });
};

/** The text of the file without a remote. Throws `REMOTE_NOT_FOUND`. */
export const withoutRemote = async (text: string, name: string): Promise<string> => {
  const document = await parse(text);
  if (!document.deleteIn(["remotes", name])) findRemote(await parseRemotes(text), name);
  return document.toString({ lineWidth: 0 });
};

const parse = async (text: string): Promise<Document.Parsed<ParsedNode>> => {
  const { parseDocument } = await import("yaml");
  const document = parseDocument(text, { version: "1.1", prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(`the remotes file is no YAML: ${error.message.split("\n")[0]}`);
  const top = valuesOf(document);
  if (top["remotes"] !== undefined && top["remotes"] !== null && mapping(top["remotes"]) === undefined)
    throw invalid("`remotes` of the remotes file is no mapping of names");
  return document;
};

/** The top of the file, aliases resolved: as many as people write. */
const valuesOf = (document: Document.Parsed<ParsedNode>): Readonly<Record<string, unknown>> => {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw invalid(`the remotes file cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const top = mapping(value ?? {});
  if (top === undefined) throw invalid("the remotes file is no mapping");
  return top;
};

const mapping = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;

const invalid = (message: string, details: Readonly<Record<string, unknown>> = {}): RemoteError =>
  new RemoteError("REMOTES_INVALID", message, {
    hint: "The file holds `remotes:` and below it one mapping a remote: type, host, user, base_dir; or type file and base_dir; or type http and url.",
    details,
  });

const profileOf = (name: string, record: Readonly<Record<string, unknown>> | undefined): RemoteProfile => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name))
    throw invalid(`${JSON.stringify(name)} is no name for a remote: letters, digits, '.', '_' and '-' make one`);
  if (record === undefined) throw invalid(`the remote ${name} is no mapping`);
  const type = TYPES.find((known) => known === (record["type"] ?? "ssh"));
  if (type === undefined) throw invalid(`the remote ${name} has the type ${JSON.stringify(record["type"])}`);
  const field = (key: string): string => {
    const value = record[key];
    if (typeof value !== "string" || value.trim() === "" || /\p{Cc}/u.test(value))
      throw invalid(`the remote ${name} needs a text for \`${key}\`, and has ${JSON.stringify(value) ?? "none"}`);
    return value;
  };
  for (const key of KEYS[type]) field(key);
  const verify = VERIFY.find((mode) => mode === record["verify"]);
  if (verify === undefined && record["verify"] !== undefined && record["verify"] !== null)
    throw invalid(
      `the remote ${name} has verify: ${JSON.stringify(record["verify"])}, which is none of ${VERIFY.join(", ")}`,
    );
  const common = { name, verify };
  if (type === "http") return { ...common, type, url: webAddress(name, field("url")) };
  if (type === "file") return { ...common, type, baseDir: field("base_dir") };
  const batchMode = record["batch_mode"] ?? true;
  if (typeof batchMode !== "boolean")
    throw invalid(`the remote ${name} has batch_mode: ${JSON.stringify(batchMode)}, which is neither true nor false`);
  const key = record["ssh_key_env"] ?? undefined;
  return {
    ...common,
    type,
    host: word(name, "host", field("host")),
    user: word(name, "user", field("user")),
    baseDir: field("base_dir"),
    sshKeyEnv: key === undefined ? undefined : word(name, "ssh_key_env", field("ssh_key_env")),
    batchMode,
  };
};

/** Nothing that ssh could take for an option, and no blanks. */
const word = (name: string, key: string, value: string): string => {
  if (/^[^\s-]\S*$/.test(value)) return value;
  throw invalid(`the remote ${name} has ${key}: ${JSON.stringify(value)}, which begins with '-' or holds blanks`);
};

const webAddress = (name: string, text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && ["http:", "https:"].includes(url.protocol) && url.username === "" && url.password === "")
    return url.href;
  throw invalid(`the url of the remote ${name} is no http address without a password in it`);
};

/** A profile as the file holds it, with the keys the Python program knows. */
const recordOf = (profile: RemoteProfile): Readonly<Record<string, unknown>> => {
  const verify = profile.verify === undefined ? {} : { verify: profile.verify };
  if (profile.type === "http") return { type: "http", url: profile.url, ...verify };
  if (profile.type === "file") return { type: "file", base_dir: profile.baseDir, ...verify };
  return {
    type: "ssh",
    host: profile.host,
    user: profile.user,
    base_dir: profile.baseDir,
    ...(profile.sshKeyEnv === undefined ? {} : { ssh_key_env: profile.sshKeyEnv }),
    ...(profile.batchMode ? {} : { batch_mode: false }),
    ...verify,
  };
};
