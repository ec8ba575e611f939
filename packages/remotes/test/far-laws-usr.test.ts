import { pathWithUsr } from "./support/far.ts";
import { registerLaws } from "./support/laws.ts";

registerLaws("installed usr", async (folder) => ({ server: "auto", path: await pathWithUsr(folder) }), {
  count: 38,
  lock: true,
  handles: true,
});
