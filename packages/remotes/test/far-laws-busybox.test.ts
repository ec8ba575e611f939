import { which } from "@usr/testkit/sshd";
import { describe, it } from "vitest";
import { busyboxFolder } from "./support/far.ts";
import { registerLaws } from "./support/laws.ts";

// No GNU tool, no flock: head reads too far there, and sync takes other words.
if (which("busybox") !== undefined) {
  registerLaws("helper in busybox", async (folder) => ({ path: await busyboxFolder(folder) }), {
    count: 32,
    lock: false,
    handles: false,
  });
} else {
  describe.skip("helper in busybox (no busybox here)", () => {
    it("keeps the laws of the storage port", () => undefined);
  });
}
