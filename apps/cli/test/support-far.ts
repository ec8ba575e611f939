import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { which } from "@usr/testkit/sshd";

/** What the helper at the other end cannot do without. */
const NEEDED = "cat dd df find head ln ls mkdir mv readlink rm rmdir sh sort stat sync tail uniq".split(" ");

/**
 * An `ssh` that goes nowhere: it runs what it is told with a PATH that holds the needed programs and `more`, and nothing else. Until disposal
 * it is the first `ssh` on the PATH of this process.
 */
export const fakeSsh = async (folder: string, more: readonly string[], checking = "ask"): Promise<Disposable> => {
  const [bin, far] = [join(folder, "bin"), join(folder, "far-bin")];
  await mkdir(bin, { recursive: true });
  await mkdir(far, { recursive: true });
  for (const name of [...NEEDED, ...more]) {
    const program = which(name);
    if (program === undefined) throw new Error(`this machine has no ${name}`);
    await symlink(program, join(far, name));
  }
  const script = `#!/bin/sh
for word do
  if [ "$word" = -G ]; then printf 'hostname login1.example\\nport 2222\\nstricthostkeychecking ${checking}\\n'; exit 0; fi
done
exec env -i PATH='${far}' '${join(far, "sh")}' -c "$word"
`;
  await writeFile(join(bin, "ssh"), script);
  await chmod(join(bin, "ssh"), 0o755);
  const before = process.env["PATH"] ?? "";
  process.env["PATH"] = `${bin}${delimiter}${before}`;
  return {
    [Symbol.dispose](): void {
      process.env["PATH"] = before;
    },
  };
};
