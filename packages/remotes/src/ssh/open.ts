import type { Signal } from "@usr/storage";
import { RemoteError } from "../error.ts";
import { byteReader } from "./bytes.ts";
import { type Channel, type Connection, connect } from "./connection.ts";
import { HELPER } from "./helper-text.ts";
import { nameOf, PROTOCOL } from "./wire.ts";

/** Start-up files of a login shell may talk; one that talks more than this is broken. */
const MOST_NOISE = 2 ** 20;

/** What the other end is and can. */
export interface Peer {
  /** `sh`: the helper; `usr`: an installed usr. */
  readonly server: "sh" | "usr";
  /** The root as the other end spells it, with a slash at its end. */
  readonly root: string;
  /** By name: `sha256`, `lock`: the program that does it, or `none`; `sync`: `file` or `all`; `exact`: `head`, `dd`, or the slow `bytes`. */
  readonly tools: ReadonlyMap<string, string>;
}

/**
 * The command line that starts the helper. It is the same words for a login shell of any kind (sh, bash, dash, csh, tcsh, fish); everything that
 * varies travels on stdin.
 */
export const START: string = `exec sh -c 'eval "$(dd bs=1 count=${HELPER.length} 2>/dev/null)"'`;

/** Starts the helper at the other end of a channel that runs {@link START}, finds its answer in whatever else is printed, and opens the root. */
export async function openConnection(
  channel: Channel,
  o: Signal & {
    /** Absolute. */
    readonly baseDir: string;
    /** Marks the answer. */
    readonly nonce: string;
    /** `auto`: an installed `usr` if there is one. */
    readonly server: "auto" | "sh";
    /** In messages. */
    readonly label: string;
  },
): Promise<{ readonly connection: Connection; readonly peer: Peer }> {
  const stop = (): void => void channel.close();
  o.signal?.addEventListener("abort", stop, { once: true });
  try {
    const reader = byteReader(channel.output);
    await channel.write(new TextEncoder().encode(`${HELPER}${o.nonce}\n${o.server}\n`));
    const server = await introduction(channel, reader, o);
    const connection = connect(channel, reader);
    const reply = await connection.ask("hello", [o.baseDir], { signal: o.signal });
    if (reply.code !== "ok") throw noRoot(reply.code, reply.text, o);
    const tools = reply.items.flatMap((item) => {
      const match = /^=(\S+) (.*)$/s.exec(nameOf(item) ?? "");
      return match === null ? [] : [[match[1]!, match[2]!] as const];
    });
    return { connection, peer: { server, root: reply.text, tools: new Map(tools) } };
  } catch (error) {
    await channel.close();
    o.signal?.throwIfAborted();
    throw error;
  } finally {
    o.signal?.removeEventListener("abort", stop);
  }
}

async function introduction(
  channel: Channel,
  reader: ReturnType<typeof byteReader>,
  o: { readonly nonce: string; readonly label: string },
): Promise<"sh" | "usr"> {
  while (reader.received <= MOST_NOISE) {
    const line = await reader.line();
    if (line === undefined) throw await channel.failure(false);
    const text = nameOf(line) ?? "";
    if (!text.startsWith(`${o.nonce} `)) continue;
    const match = /^\S+ usr-remote (\d+) (sh|usr)$/.exec(text);
    if (match?.[1] === PROTOCOL) return match[2] === "usr" ? "usr" : "sh";
    throw new RemoteError("NOT_SUPPORTED", `${o.label} speaks another version of the protocol (${text}).`, {
      hint: "Update usr on both ends.",
      details: { remote: o.label },
    });
  }
  throw new RemoteError("TRANSFER_FAILED", `${o.label} printed more than ${MOST_NOISE} bytes and never answered.`, {
    hint: "Its login shell's start-up files print too much: keep them quiet where there is no terminal.",
    details: { remote: o.label },
  });
}

function noRoot(code: string, text: string, o: { readonly baseDir: string; readonly label: string }): RemoteError {
  const details = { remote: o.label, base_dir: o.baseDir };
  if (code === "TOOL_MISSING") {
    return new RemoteError("NOT_SUPPORTED", `${o.label} has no ${text} on its PATH, which the transfer needs.`, {
      hint: `Make ${text} (coreutils, findutils) reachable for commands that come over ssh, or install usr there.`,
      details: { ...details, tool: text },
    });
  }
  return new RemoteError("UNREACHABLE", `${o.baseDir} on ${o.label} cannot be opened: ${text}.`, {
    hint: "Check base_dir of the remote, and that its file system is mounted; a new root must be made by hand (mkdir -p).",
    details,
  });
}
