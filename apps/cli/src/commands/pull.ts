import type { RunCommand } from "../command.ts";
import { transfer } from "../remote/transfer.ts";

export const run: RunCommand = transfer("pull");
