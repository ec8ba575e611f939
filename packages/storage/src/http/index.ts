/**
 * Reading objects that a web server offers, by ranges.
 *
 * ```ts
 * import { readAll } from "@usr/storage";
 * import { httpStorage } from "@usr/storage/http";
 *
 * const storage = httpStorage("https://example.org/data/", { index: "index.json" });
 * await using handle = await storage.open("demo/hello.txt");
 * if (handle) console.log(new TextDecoder().decode(await readAll(handle)));
 * ```
 *
 * @module
 */
export { type HttpOptions, httpStorage } from "./http.ts";
