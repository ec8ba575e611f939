import { refreshOverlayMetadata } from "@usr/dataset/overlays";
import type { Outcome, RunCommand } from "../command.ts";
import { count } from "../text.ts";
import { argument, flag, text } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const dryRun = flag(typed, "dryRun");
  const data = await refreshOverlayMetadata(await session.writableRoot(), argument(typed, 0), {
    namespace: text(typed, "namespace"),
    dryRun,
  });
  return {
    kind: "document",
    data,
    text: () =>
      data.namespaces.length === 0
        ? `${data.dataset} has no overlays\n`
        : data.namespaces
            .map(
              ({ namespace, parts, parts_refreshed }) =>
                `${namespace}: ${dryRun ? "would refresh " : ""}${parts_refreshed} of ${count(parts, "file")}${dryRun ? "" : " refreshed"}\n`,
            )
            .join(""),
  };
};
