/**
 * `remotes.yaml`: the remotes a user has given names to.
 *
 * @module
 */
export { findRemote, parseRemotes, type RemoteEntry, withoutRemote, withRemote } from "./profiles.ts";
