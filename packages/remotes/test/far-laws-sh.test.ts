import { registerLaws } from "./support/laws.ts";

registerLaws("helper in sh", async () => ({ shell: ["sh", "-c"] }), { count: 37, lock: true, handles: false });
