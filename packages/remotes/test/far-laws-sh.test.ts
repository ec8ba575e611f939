import { registerLaws } from "./support/laws.ts";

registerLaws("helper in sh", async () => ({ shell: ["sh", "-c"] }), { count: 36, lock: true, handles: false });
