import { info, type NamespaceInfo } from "@usr/dataset";
import type { Outcome, RunCommand } from "../command.ts";
import { readOptionsOf } from "../query.ts";
import { align, bytesText, renderPairs } from "../text.ts";
import { argument } from "../typed.ts";

const adviceOf = ({ namespace, parts, read_amplification, compact }: NamespaceInfo): string =>
  compact === null
    ? ""
    : `\n${namespace}: ${parts} parts, ${(read_amplification ?? 1).toFixed(1)} rows stored for each key; make one of them with\n  ${compact}\n`;

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const data = await info(await session.root(), argument(typed, 0), readOptionsOf(session, typed));
  return {
    kind: "document",
    data,
    text: (width) =>
      `${renderPairs([
        ["dataset", data.dataset],
        ["path", data.path],
        ["rows", `${data.rows} visible, ${data.rows_deleted} deleted, ${data.rows_base} stored`],
        ["columns", data.columns.join(", ")],
        ["snapshots", String(data.snapshots)],
        ["events", String(data.events)],
        ["registry hash", data.registry_hash ?? "none"],
      ])}${
        data.namespaces.length === 0
          ? ""
          : `\n${align(
              ["namespace", "key", "parts", "rows", "keys", "size", "newest", "columns"],
              data.namespaces.map((n) => [
                n.namespace,
                n.key,
                String(n.parts),
                String(n.rows),
                String(n.distinct_keys),
                bytesText(n.size_bytes),
                n.newest_created_at ?? "",
                n.columns.join(", "),
              ]),
              [false, false, true, true, true, true, false, false],
              width,
            )}`
      }${data.namespaces.map(adviceOf).join("")}`,
  };
};
