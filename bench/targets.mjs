// What each operation is meant to cost, as conditions on its figure. A condition tells its text and whether it holds; `undefined` where
// nothing is there to compare with.

/** So many times as fast as the Python program, whose figures are of another machine; `speed` = how fast this one is beside that one. */
const times = (factor) => ({
  text: `${factor}x`,
  holds: ({ figure, python }) => python && python[0] / figure.seconds >= factor,
  atEqualSpeed: ({ figure, python, speed }) => {
    const ratio = python[0] / (figure.seconds * speed);
    return `${ratio >= factor ? "met" : "missed"} at equal speed, ${ratio.toFixed(1)}x`;
  },
});
const memory = (megabytes) => ({
  text: `${megabytes} MB`,
  holds: ({ figure }) => figure.megabytes <= megabytes,
});
const seconds = (most) => ({ text: `${most} s`, holds: ({ figure }) => figure.seconds <= most });
/** At most so many times as long as another operation of the same run. */
const within = (factor, of) => ({
  text: `${factor}x of “${of}”`,
  holds: ({ figure, find }) => find(of) && figure.seconds <= factor * find(of).seconds,
});
/** At most so many times as long as pyarrow or DuckDB in the same run. */
const field = (factor) => ({
  text: `${factor}x of pyarrow or DuckDB`,
  holds: ({ figure, rival }) => rival && figure.seconds <= factor * rival.seconds,
});
const fieldMemory = (share) => ({
  text: `${share} of its memory`,
  holds: ({ figure, rival }) => rival && figure.megabytes <= share * rival.megabytes,
});
const aboveNode = (ms) => ({
  text: `${ms} ms above node`,
  holds: ({ figure, find }) => find("node -e 0") && figure.seconds - find("node -e 0").seconds <= ms / 1000,
});
const rate = (megabytes) => ({
  text: `${megabytes} MB/s`,
  holds: ({ figure, result }) => result.bytes / 1e6 / figure.seconds >= megabytes,
});
/** At most so many times the time a row that a million rows took. */
const linear = (factor) => ({
  text: `${factor}x a row of 1M`,
  holds: ({ figure, result, million }) =>
    million && figure.seconds / result.count <= (factor * million.seconds) / 1_000_000,
});

/** What the sessions are held against: the same import, run between theirs. */
const TURNS = "import csv, in turns with these";

const merged = [times(5), memory(400)];
const wide = [memory(1024), rate(150)];
const large = [linear(1.2), memory(600)];

export const TARGETS = {
  "rows 1000000": {
    "usr --version": [aboveNode(15)],
    "usr --help": [times(8), aboveNode(15)],
    "usr ls": [times(8), aboveNode(15)],
    "usr info": [times(8), aboveNode(15)],
    "import csv": [times(8), memory(300), field(3)],
    "import jsonl": [times(8), memory(300)],
    "import the same rows in 100 appends": [within(4, "import csv")],
    "100 appends through a write session, each durable before the next": [within(4, TURNS)],
    "100 appends through a write session, group commit": [within(1.5, TURNS)],
    "append one row": [memory(150)],
    "attach float64 from csv": [times(4), memory(300)],
    "attach float64 from parquet": [times(4), memory(300)],
    "attach list<float64> of 64 from parquet": [times(5), memory(400)],
    "write 20 parts, by the library": [times(6)],
    "head -n 10, 20 parts": [times(40), memory(200)],
    "get one id, 20 parts": [times(50), memory(200)],
    "scan, 20 parts": merged,
    "export parquet, 20 parts": merged,
    "materialize, 20 parts": [times(6), memory(400), field(1.2), fieldMemory(0.1)],
    "materialize, 20 shuffled parts": [times(3), memory(400), field(1.2), fieldMemory(0.1)],
    "materialize one float64 column": [within(1.5, "copy the base file and encode that column")],
    "validate --strict": [times(6), memory(300)],
    "export csv, 1 part": [times(8)],
  },
  clones: {
    "import the same rows in 100 appends": [within(1.5, "import csv")],
    "100 appends through a write session, each durable before the next": [within(1.5, TURNS)],
    "100 appends through a write session, group commit": [within(1.5, TURNS)],
  },
  "rows 10000000": {
    "import csv": large,
    "validate --strict": large,
    "export parquet, 1 part": large,
    "materialize one float64 column": large,
    "dedupe --key id --dry-run": large,
    "validate --strict, 1 part in base order and 1 in none": large,
    "scan, 1 part in base order and 1 in none": large,
    "materialize, 1 part in base order and 1 in none": large,
  },
  wide: {
    "attach list<float64> of 4096": wide,
    "scan (export parquet), vectors of 4096": wide,
    "materialize, vectors of 4096": wide,
  },
  many: {
    "head -n 10, 1012 parts": [seconds(1), memory(600)],
    "scan, 1012 parts": [seconds(15), memory(600)],
    "compact, 1012 parts": [memory(600)],
  },
};
