import { which } from "@usr/testkit/sshd";
import { describe } from "vitest";
import { busyboxFolder } from "./support/far.ts";
import { registerLaws } from "./support/laws.ts";

// No GNU tool, no flock: head reads too far there, and sync takes other words.
describe.skipIf(which("busybox") === undefined)("with nothing but busybox", () => {
  registerLaws("helper in busybox", async (folder) => ({ path: await busyboxFolder(folder) }), {
    count: 33,
    lock: false,
    handles: false,
  });
});
