/** Version of the JSON documents on stdout and stderr. */
export const OUTPUT_VERSION = 1;

declare global {
  interface JSON {
    /** JSON text that `stringify` takes as it stands. In Node since 21; TypeScript does not know it yet. */
    rawJSON(text: string): object;
  }
}

/** JSON of a document; int64 beyond what a double holds becomes text, and the sign of a zero stays, as it does in rows. */
export const toJson = (value: unknown): string =>
  inert(
    JSON.stringify(value, (_, v: unknown) => {
      if (Object.is(v, -0)) return JSON.rawJSON("-0.0");
      if (typeof v !== "bigint") return v;
      return v >= -(2n ** 53n) && v <= 2n ** 53n ? Number(v) : String(v);
    }),
  );

/** The same JSON with what a terminal might obey escaped: C1 control characters stand in JSON only inside strings. */
export const inert = (json: string): string =>
  json.replaceAll(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
