import type { Connection } from "./connection.ts";
import type { Listing } from "./listing.ts";
import type { Peer } from "./open.ts";
import type { Tails } from "./tails.ts";

/** What all calls to a far machine go through. */
export interface FarOptions {
  readonly connection: Connection;
  readonly peer: Peer;
  /** In messages. */
  readonly label: string;
  readonly tails: Tails;
  /** The last listing of each folder. */
  readonly listings: Map<string, Listing>;
  /** Numbers for the handles of this connection. */
  readonly handles: { next(): number };
  /** Fresh random bytes, for the names of writes in flight. */
  readonly random: (bytes: number) => Uint8Array;
}
