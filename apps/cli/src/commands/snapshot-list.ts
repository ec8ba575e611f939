import { listSnapshots } from "@usr/dataset/maintain";
import type { Outcome, RunCommand } from "../command.ts";
import { align, bytesText } from "../text.ts";
import { argument } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const id = argument(typed, 0);
  const data = await listSnapshots(await session.root(), id, { signal: session.environment.signal });
  return {
    kind: "document",
    data,
    text: () =>
      data.length === 0
        ? `No snapshots of ${id}\n`
        : align(
            ["name", "created", "rows", "size", "kept"],
            data.map((s) => [
              s.name,
              s.created_at ?? "",
              s.rows === null ? "unreadable" : String(s.rows),
              bytesText(s.size_bytes),
              s.pinned ? "pinned" : s.automatic ? "newest five" : "asked for",
            ]),
            [false, false, true, true, false],
          ),
  };
};
