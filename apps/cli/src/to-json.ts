/** Version of the JSON documents on stdout and stderr. */
export const OUTPUT_VERSION = 1;

/** JSON of a document; int64 beyond what a double holds becomes text. */
export const toJson = (value: unknown): string =>
  inert(
    JSON.stringify(value, (_, v: unknown) => {
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
