import type { RunCommand } from "../command.ts";
import { compare } from "../remote/compare.ts";

export const run: RunCommand = compare(false);
