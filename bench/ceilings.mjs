/**
 * What one process may hold at most, in MB as the operating system counts, on `rows` rows with a heap of `heap` MB. A heap that does not
 * suffice ends the run.
 */
export const MEMORY = {
  rows: 1_000_000,
  heap: 128,
  ceilings: {
    "import csv": 300,
    "import jsonl": 300,
    "append one row": 150,
    "attach float64 from csv": 300,
    "attach float64 from csv, shuffled": 400,
    "attach float64 from parquet": 300,
    "attach 100 rows": 150,
    "attach list<float64> of 64 from parquet": 400,
    "materialize, 1 float64 and the vectors": 500,
    "write 20 parts, by commands from parquet": 300,
    "head -n 10, 20 parts": 200,
    "get one id, 20 parts": 200,
    "validate --strict": 300,
    "validate --strict, 20 parts": 300,
    "scan, 20 parts": 400,
    "export parquet, 20 parts": 400,
    "export csv, 1 part": 300,
    "materialize one float64 column": 300,
    "materialize, 20 parts": 400,
    "materialize, 20 shuffled parts": 400,
    "dedupe --key id --dry-run": 400,
    "dedupe --key sequence_canonical, 1% doubles": 400,
    "overlay-compact, 20 parts": 400,
    "merge as many rows": 500,
    "validate --strict, 1 part in base order and 1 in none": 400,
    "scan, 1 part in base order and 1 in none": 400,
    "materialize, 1 part in base order and 1 in none": 400,
  },
};
