import { datasetSchema } from "@usr/dataset";
import type { DataType } from "@usr/schema";
import { formatType, parseType } from "@usr/schema";
import type { Outcome, RunCommand } from "../command.ts";
import { readOptionsOf } from "../query.ts";
import { safe } from "../safe.ts";
import { align } from "../text.ts";
import { argument, flag } from "../typed.ts";

export const run: RunCommand = async (session, typed): Promise<Outcome> => {
  const data = await datasetSchema(await session.root(), argument(typed, 0), readOptionsOf(session, typed));
  return {
    kind: "document",
    data,
    text: (width) =>
      flag(typed, "tree")
        ? data.fields.map(({ name, type }) => tree(safe(name), parseType(type), 0)).join("")
        : align(
            ["column", "type", "origin"],
            data.fields.map(({ name, type, origin }) => [safe(name), type, origin]),
            [false, false, false],
            width,
          ),
  };
};

const tree = (name: string, type: DataType, depth: number): string => {
  const line = `${"  ".repeat(depth)}${name}: ${formatType(type)}\n`;
  if (type.kind === "list" || type.kind === "fixed_size_list") return line + tree("element", type.item, depth + 1);
  if (type.kind === "struct")
    return line + type.fields.map((field) => tree(safe(field.name), field.type, depth + 1)).join("");
  return line;
};
