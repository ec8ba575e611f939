// Prints the path of a Python that has pyarrow, DuckDB, PyYAML and polars, or nothing. Makes one under .oracle/ when none is there.
// Never fails and never takes longer than LIMIT_MS: without Python the comparisons are skipped, and the test run says so.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const LIMIT_MS = 180_000;
const PACKAGES = ["pyarrow>=20", "duckdb>=1.2", "PyYAML==6.0.3", "polars>=1"];
const CHECK = "import sys, pyarrow, duckdb, yaml, polars; assert sys.version_info >= (3, 10)";

const folder = fileURLToPath(new URL("../.oracle", import.meta.url));
const deadline = Date.now() + LIMIT_MS;

/** Whether the command ended well within the time that is left; what it says goes to stderr. */
const run = (command, ...args) => {
  const timeout = deadline - Date.now();
  if (timeout <= 0) return false;
  const { status } = spawnSync(command, args, { stdio: ["ignore", 2, 2], timeout, killSignal: "SIGKILL" });
  return status === 0;
};
const works = (python) => spawnSync(python, ["-c", CHECK], { stdio: "ignore", timeout: 60_000 }).status === 0;

const find = () => {
  const given = process.env.USR_ORACLE_PYTHON;
  if (given) return works(given) ? given : undefined;
  const own = `${folder}/bin/python`;
  if (works(own)) return own;
  for (const python of ["python3.13", "python3.12", "python3.11", "python3.10", "python3"]) {
    if (spawnSync(python, ["-c", "import sys; sys.exit(sys.version_info < (3, 10))"], { stdio: "ignore" }).status !== 0)
      continue;
    const made =
      run(python, "-m", "venv", "--clear", folder) &&
      run(
        own,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--retries",
        "1",
        "--only-binary",
        ":all:",
        ...PACKAGES,
      );
    if (made && works(own)) return own;
  }
  return undefined;
};

const python = find();
if (python !== undefined) console.log(python);
else console.error("No Python with pyarrow, DuckDB, PyYAML and polars could be found or made.");
