import type { ClassName, Conflict, SiteFile } from "./types.ts";

/** One thing to do at the target. `order` sorts what readers see; `undefined` = no reader sees it. */
export type Action =
  /** A file of the source, over the one with the etag `over`. `prefix` = so many bytes are taken from the target's own file at that path. */
  | {
      readonly kind: "bring";
      readonly class: ClassName;
      readonly path: string;
      readonly from: SiteFile;
      readonly prefix: number;
      readonly over: string | undefined;
      readonly order: string | undefined;
    }
  /** Rows of both sides' files at the same path. */
  /** A small file whose new text is known. */
  | {
      readonly kind: "write";
      readonly class: ClassName;
      readonly path: string;
      readonly text: string;
      readonly over: string | undefined;
    }
  | {
      readonly kind: "merge";
      readonly class: ClassName;
      readonly path: string;
      readonly from: SiteFile;
      readonly to: SiteFile;
    }
  | {
      readonly kind: "promote" | "retire";
      readonly class: ClassName;
      readonly path: string;
      readonly to: string;
      readonly etag: string;
    }
  | { readonly kind: "delete"; readonly class: ClassName; readonly path: string; readonly etag: string };

/** What a part of the plan comes to. */
export interface Planned {
  readonly actions: readonly Action[];
  readonly conflicts: readonly Conflict[];
}

/** Files of both sides that belong together, as the plan of one class gets them. */
export interface Pairing {
  readonly source: readonly SiteFile[];
  readonly target: readonly SiteFile[];
}

/** Whether two files hold the same bytes, as far as their sites tell. Without digests the size has to do. */
export const alike = (a: SiteFile, b: SiteFile): boolean =>
  a.sha256 !== undefined && b.sha256 !== undefined ? a.sha256 === b.sha256 : a.size === b.size;

/** Whether the source's of two files that say the same in other bytes stands: any rule will do, as long as both directions have the same. */
export const prevails = (source: SiteFile, target: SiteFile): boolean =>
  (source.sha256 ?? source.etag) > (target.sha256 ?? target.etag);
