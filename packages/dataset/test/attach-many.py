# One of several writers, as another program is one: python attach-many.py ROOT NAME COUNT; it begins when a line comes on stdin
# It keeps to the format: fcntl.flock on .usr.lock around a write, a part newer than the newest one, an event under .events.lock.
import contextlib, datetime, fcntl, json, os, sys, time, uuid

import pyarrow as pa
import pyarrow.parquet as pq

root, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
dataset = os.path.join(root, "demo")
folder = os.path.join(dataset, "_derived", "mock")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


@contextlib.contextmanager
def locked(path):
    with open(os.path.join(dataset, path), "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def text_of(us):
    return (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def created_at(path):
    text = pq.read_metadata(path).metadata[b"usr:overlay_created_at"].decode()
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // datetime.timedelta(microseconds=1)


print("ready", flush=True)
sys.stdin.readline()
seen = {}
for i in range(count):
    with locked(".usr.lock"):
        if os.path.exists(os.path.join(dataset, ".staging", "pending.json")):
            sys.exit("somebody commits although this process holds the lock")
        os.makedirs(folder, exist_ok=True)
        for other in os.listdir(folder):
            if other.startswith("part-") and other not in seen:
                seen[other] = created_at(os.path.join(folder, other))
        now = datetime.datetime.now(datetime.timezone.utc)
        us = max([(now - EPOCH) // datetime.timedelta(microseconds=1), *(at + 1 for at in seen.values())])
        part = f"part-{text_of(us).translate({ord(c): None for c in '-:.'})}-{uuid.uuid4().hex}.parquet"
        event_id = str(uuid.uuid4())
        columns = {"sequence": ["AAAA"], "mock__score": [float(i)], "mock__tag": [f"{name}-{i}"]}
        metadata = {
            "usr:overlay_namespace": "mock",
            "usr:overlay_key": "sequence",
            "usr:overlay_created_at": text_of(us),
            "usr:event_id": event_id,
        }
        temporary = os.path.join(folder, f".{part}.{os.getpid()}.tmp")
        pq.write_table(pa.table(columns).replace_schema_metadata(metadata), temporary)
        os.rename(temporary, os.path.join(folder, part))
        event = {
            "event_version": 1,
            "event_id": event_id,
            "timestamp_utc": text_of(us),
            "action": "attach",
            "dataset": {"name": "demo", "root": root},
            "args": {"namespace": "mock"},
            "metrics": {"rows_matched": 1},
            "artifacts": {"overlay": {"namespace": "mock", "path": f"_derived/mock/{part}"}},
            "maintenance": {},
            "fingerprint": {"rows": 6, "cols": 7, "size_bytes": 0},
            "registry_hash": None,
            "actor": {"tool": "python", "run_id": name, "host": "here", "pid": os.getpid()},
            "version": "0.1.0",
        }
        with locked(".events.lock"), open(os.path.join(dataset, ".events.log"), "ab", buffering=0) as log:
            log.write(json.dumps(event).encode() + b"\n")
    print(f"_derived/mock/{part}", flush=True)
    # Some work of its own, for the others to come in.
    time.sleep(0.02)
