/**
 * The roots of datasets on machines that ssh reaches.
 *
 * ```ts
 * import { openSsh } from "@usr/remotes/ssh";
 *
 * await using site = await openSsh(
 *   { host: "cluster", user: "alice", baseDir: "/project/x/datasets", interactive: false },
 *   { label: "cluster" },
 * );
 * console.log(await site.datasets());
 * ```
 *
 * @module
 */
export type { FarSite } from "../ssh/far-site.ts";
export type { Peer } from "../ssh/open.ts";
export { checksHostKeys, type SshTarget, sshArguments } from "../ssh/remote-shell.ts";
export type { ServeOptions } from "../ssh/serve.ts";
export { PROTOCOL } from "../ssh/wire.ts";
export { type OpenSshOptions, openSsh, sshSettings } from "./open-ssh.ts";
export { serveStdio } from "./serve-stdio.ts";
