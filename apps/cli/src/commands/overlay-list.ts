import { DatasetError, info } from "@usr/dataset";
import type { Outcome, RunCommand } from "../command.ts";
import { align, bytesText } from "../text.ts";
import { argument, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const id = argument(typed, 0);
  const namespace = text(typed, "namespace");
  const { namespaces } = await info(await session.root(), id, { signal: session.environment.signal });
  const data = namespaces.filter((entry) => namespace === undefined || entry.namespace === namespace);
  if (namespace !== undefined && data.length === 0) {
    throw new DatasetError("NAMESPACE_NOT_FOUND", `${id} has no overlay of the namespace ${namespace}`, {
      hint: `Its overlays are: ${namespaces.map((entry) => entry.namespace).join(", ") || "none"}.`,
      details: { dataset: id, namespace },
    });
  }
  return {
    kind: "document",
    data,
    text: (width) =>
      data.length === 0
        ? `No overlays of ${id}\n`
        : align(
            ["namespace", "key", "parts", "rows", "keys", "size", "newest", "columns"],
            data.map((n) => [
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
          ),
  };
};
