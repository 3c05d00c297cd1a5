"""Runs all peers interleaved, checks their answers and their databases, writes results.json and a Markdown table. See README.md."""
import argparse, atexit, json, os, platform, statistics as st, subprocess, sys, time
import data as D, databases

HERE = os.path.dirname(os.path.abspath(__file__))
WORKLOADS = ["w1", "w2", "w3", "w5", "w8", "w8k", "w4", "w6", "w7", "w9a", "w9b", "w10"]  # readers of the fresh database first
READS = {"w2", "w3", "w5", "w8", "w8k", "w9b"}
TITLE = dict(w1="W1 bulk insert, 1,000 a tx (rows/s)", w2="W2 get by id, 1 caller", w3="W3 get by id, 50 tasks", w4="W4 begin-insert-commit, 50 tasks",
             w5="W5 list 50 of a channel, 8 tasks", w6="W6 upsert, 8 tasks", w7="W7 95/5 get/upsert, 50 tasks", w8="W8 page 1,000 by OFFSET", w8k="W8k page 1,000 by keyset",
             w9a="W9a insert transcript + FTS5", w9b="W9b FTS5 search top 20", w10="W10 claim a task, 8 workers")
SEED_N = dict(w3=20_000, w7=20_000)  # over a minute each at full count
POSTGRES_N = dict(w9a=2_000)  # the same

ap = argparse.ArgumentParser()
ap.add_argument("--on", default="sqlite", choices=["sqlite", "postgres"])
ap.add_argument("--rounds", type=int, default=3)
ap.add_argument("--sync", default="normal", choices=["normal", "full"])
ap.add_argument("--workloads", default=",".join(WORKLOADS))
ap.add_argument("--peers", default="", help="only these, comma separated")
ap.add_argument("--extra", action="append", default=[], help="name=command: one more program with the same command line")
ap.add_argument("--videos", type=int, default=100_000)
ap.add_argument("--dir", default=os.environ.get("PEERS_DB", "/tmp/peers-db"))
ap.add_argument("--add", action="append", default=[], help="the .json of earlier rounds, which these continue")
ap.add_argument("--out", default="/tmp/peers-results")
a = ap.parse_args()
on_sqlite = a.on == "sqlite"
ASYNC = ["sqlx", "sea-orm", "diesel-async", "deadpool-sqlite"] if on_sqlite else ["sqlx", "diesel-async"]
BIN, PY, NV = os.environ.get("CARGO_TARGET_DIR", "/tmp/peers-target") + "/release/peer-", os.environ.get("PEERS_VENV", "/tmp/peers-venv") + "/bin/python", a.videos

P = dict(name="", cmd=[], env={}, only=None, db=None, more=[])
if on_sqlite:
    peers = [dict(P, name="raw", cmd=[BIN + "raw"]), dict(P, name="raw-2t", cmd=[BIN + "raw"], more=["--threads", "2"], db="raw", only={"w3", "w5", "w9b"})]
    peers += [dict(P, name=n, cmd=[BIN + n]) for n in ASYNC] + [dict(P, name="seed-stack", cmd=[PY, HERE + "/seed_stack.py"])]
    peers += [dict(P, name="probe", cmd=[BIN + "probe"]), dict(P, name="probe-inline", cmd=[BIN + "probe"], db="probe", env={"PROBE_INLINE": "1"}, only={"w2", "w3", "w7"})]
    # Ours: on its real schema (its answers are checked, its tables are its own), and its way to SQLite over the others' tables.
    peers += [dict(P, name="tubeatlas", cmd=[BIN + "tubeatlas"], extra=True), dict(P, name="tubeatlas-unit", cmd=[BIN + "tubeatlas"], db="tubeatlas", env={"TUBEATLAS_UNIT": "1"}, only={"w4"}, extra=True)]
    peers += [dict(P, name="tubeatlas-inline", cmd=[BIN + "tubeatlas"], db="tubeatlas", env={"TUBEATLAS_INLINE": "1"}, only={"w2", "w3", "w7"}, extra=True)]
    peers += [dict(P, name="tubeatlas-table", cmd=[BIN + "tubeatlas-table"])]
else:
    peers = [dict(P, name=n, cmd=[f"{BIN}{n}-postgres"]) for n in ASYNC]
    # The same at Tubeatlas's level of isolation, where no two write the same (nobody here tries again).
    peers += [dict(p, name=p["name"] + "-ser", env={"PEERS_ISOLATION": "serializable"}, only={"w1", "w2", "w3", "w4", "w5", "w6"}) for p in peers]
    peers += [dict(P, name="tubeatlas", cmd=[BIN + "tubeatlas-postgres"], extra=True), dict(P, name="tubeatlas-table", cmd=[BIN + "tubeatlas-table-postgres"])]
if a.peers: peers = [p for p in peers if p["name"] in a.peers.split(",")]
for e in a.extra:
    n, c = e.split("=", 1)
    peers.append(dict(P, name=n, cmd=c.split(), extra=True))
for p in peers: p["db"] = p["db"] or p["name"]
workloads = [w for w in WORKLOADS if w in a.workloads.split(",")]
for p in peers:  # nobody works on a database without w1, w9b without w9a
    # Tubeatlas has no OFFSET: its W8 is by keyset.
    if p["only"] is None: p["only"] = set(workloads) - (set() if p["name"] == "raw" or not (on_sqlite or p["name"] == "tubeatlas") else {"w8k"})

# --- the oracle: what every peer must answer -------------------------------------------------------------------------
print("computing the expected answers", file=sys.stderr)
V = [D.video(i) for i in range(NV)]
H = [D.hv(v) for v in V]
ranked = sorted(range(NV), key=lambda i: V[i]["published_at"])
by_chan = {}
for i in reversed(ranked): by_chan.setdefault(V[i]["channel_id"], []).append(i)
tasks = sorted(range(10_000), key=lambda i: (i * 7919) % 10_007)
def wsum(ids): return sum(H[i] * (k + 1) for k, i in enumerate(ids))
def expected(w, n):
    if w == "w2": r = sum(H[D.get_w2(j, NV)] for j in range(n))
    elif w == "w3": r = sum(H[D.get_w3(j, NV)] for j in range(n))
    elif w == "w5": r = sum(wsum(by_chan.get(D.channel(D.chan_w5(j)), [])[:50]) for j in range(n))
    elif w in ("w8", "w8k"): r = n * wsum(ranked[-100:])
    elif w == "w10": r = sum(D.mix(D.b8(("task-%06d" % i)[-8:])) for i in tasks[:n])
    elif w == "w1": r = n * 1000
    elif w == "w9b": return None
    else: r = n
    return f"{r & D.M:016x}"
EXP = {}
def exp(w, n):
    if (w, n) not in EXP: EXP[w, n] = expected(w, n)
    return EXP[w, n]

class Model:
    """the videos a peer's database must hold"""
    def __init__(self): self.n, self.sum, self.over = 0, 0, {}
    def apply(self, w, n):
        if w == "w1": self.n, self.sum = NV, sum(H)
        if w == "w4":
            self.n += n
            self.sum += sum(D.hv(D.video(NV + j)) for j in range(n))
        ups = [(D.up_w6(j, NV), 1) for j in range(n)] if w == "w6" else [(D.up_w7(j, NV), 2) for j in range(n) if D.is_up(j)] if w == "w7" else []
        for i, ver in ups:
            x = D.hv(D.video(i, ver))
            self.sum += x - self.over.get(i, H[i])
            self.over[i] = x

def verify(p, w, r, model, bad):
    """answers first, then the database"""
    e, tag = exp(w, r["n"]), f"{p['name']} {w}"
    if e and not r["errors"] and r["check"] != e: bad.append(f"{tag}: answers {r['check']}, expected {e}")
    if p.get("extra"):  # a program with a schema of its own: its answers are compared, its tables are not
        if r["errors"]: bad.append(f"{tag}: {r['errors']} errors ({r['error']})")
        return
    if w in ("w1", "w4", "w6", "w7"):
        if not (w == "w7" and p["name"] == "probe-inline"): model.apply(w, r["n"])
        if r["errors"]: bad.append(f"{tag}: {r['errors']} errors ({r['error']}), database not compared")
        elif where.table_hash(p["db"]) != (model.n, model.sum & D.M): bad.append(f"{tag}: database differs from the model")
    count = lambda what: int(where.query(p["db"], f"SELECT count(*) FROM {what}")[0][0])
    if w == "w9a":
        if count("transcripts") != r["n"] - r["errors"]: bad.append(f"{tag}: transcripts missing")
        if broken := where.index_is_whole(p["db"]): bad.append(f"{tag}: index: {broken}")
    if w == "w10" and count("processing_tasks WHERE status = 'running'") != r["n"] - r["errors"]: bad.append(f"{tag}: claimed rows")

# --- the rounds ------------------------------------------------------------------------------------------------------
where = databases.Sqlite(a.dir) if on_sqlite else databases.Postgres(a.dir)
atexit.register(where.end)
res, bad, t0 = [], [], time.time()
for f in a.add:
    was = json.load(open(f))
    first = 1 + max((r["round"] for r in res), default=-1)
    res += [{**r, "round": first + r["round"]} for r in was["results"]]
    bad += was["checks_failed"]
first = 1 + max((r["round"] for r in res), default=-1)
for rnd in range(first, first + a.rounds):
    where.clear({p["db"] for p in peers})
    models = {}
    for w in workloads:
        k = rnd % len(peers)
        for p in peers[k:] + peers[:k]:  # every round starts with another peer
            if w not in p["only"] or not (w == "w1" or where.is_there(p["db"])): continue
            cmd = p["cmd"] + ["--workload", w, "--db", where.at(p["db"]), "--sync", a.sync, "--videos", str(NV)] + p["more"]
            if not on_sqlite and w in POSTGRES_N: cmd += ["--n", str(POSTGRES_N[w])]
            if p["name"] == "seed-stack" and w in SEED_N: cmd += ["--n", str(SEED_N[w])]
            runs = []
            while len(runs) < (3 if w in READS and runs and runs[0]["secs"] < 1.5 else 1):  # short readings: the median of three
                where.rest(p["db"])
                o = subprocess.run(cmd, capture_output=True, text=True, env={**os.environ, **p["env"]})
                if o.returncode: bad.append(f"{p['name']} {w}: exit {o.returncode}: {o.stderr[-300:]}"); break
                runs.append(json.loads(o.stdout.splitlines()[-1]))
            if not runs: continue
            r = sorted(runs, key=lambda r: r["ops_s"])[len(runs) // 2]
            r.update(peer=p["name"], round=rnd)
            res.append(r)
            print(f"{time.time() - t0:6.0f}s round {rnd} {w:4} {p['name']:16} {r['ops_s']:>10} ops/s  p99 {r['p99_us']} us  errors {r['errors']}", file=sys.stderr)
            if w in ("w1", "w9a"): where.filled(p["db"])
            verify(p, w, r, models.setdefault(p["db"], Model()), bad)
        own = {p["name"] for p in peers if p.get("extra")}
        same = {(r["n"], r["check"]) for r in res if r["workload"] == w == "w9b" and r["round"] == rnd and r["peer"] not in own}
        if len({n for n, _ in same}) != len(same): bad.append(f"{w}: search results differ between peers: {same}")

# --- tables: medians over the rounds; ratios are taken inside a round ---------------------------------------------------
by = {}
for r in res: by.setdefault((r["workload"], r["peer"]), {})[r["round"]] = r
names = [p["name"] for p in peers if any(k[1] == p["name"] for k in by)]
less = [f"{w.upper()} ({n:,})" for w, n in SEED_N.items() if ("seed-stack" in names and w in workloads)]
med = lambda w, p, k: st.median(x[k] for x in by[w, p].values())
def ratio(w, p, q):
    v = [by[w, p][r]["ops_s"] / by[w, q][r]["ops_s"] for r in by[w, p] if r in by.get((w, q), {})]
    return st.median(v) if v else None
def num(x): return f"{x / 1000:.1f}k" if x >= 10_000 else f"{x:,.0f}" if x >= 100 else f"{x:.1f}"
def us(x): return f"{x / 1000:.1f} ms" if x >= 1000 else f"{x:.0f}"
best = {w: max((p for p in ASYNC if (w, p) in by), key=lambda p: med(w, p, "ops_s"), default=None) for w in workloads}
def fdatasync_us():
    path, took = a.dir + "/fdatasync", []
    with open(path, "wb") as f:
        for _ in range(200):
            f.seek(0); f.write(os.urandom(4096)); f.flush()
            t = time.perf_counter(); os.fdatasync(f.fileno()); took.append((time.perf_counter() - t) * 1e6)
    os.remove(path)
    return st.median(took)
def table(title, cell):
    L = [f"\n**{title}**\n", "| workload | " + " | ".join(names) + " |", "|" + " --- |" * (len(names) + 1)]
    return L + [f"| {TITLE[w].replace('FTS5', where.SEARCH)} | " + " | ".join(cell(w, p) if (w, p) in by else "" for p in names) + " |" for w in workloads]
def cell1(w, p):
    ratios = [x for x in (ratio(w, p, "raw"), best[w] and ratio(w, p, best[w])) if x]
    c = num(med(w, p, "ops_s")) + (f" ({', '.join(f'{x:.2f}' for x in ratios)})" if ratios else "")
    return f"**{c}**" if p == best[w] else c
load = os.getloadavg()
rounds = 1 + max(r["round"] for r in res)
versions = lambda: ", ".join(f"{p} {next(iter(by[k].values()))['sqlite']}" for p in names for k in [next((k for k in by if k[1] == p), None)] if k)
if on_sqlite:
    server = [f"SQLite: {versions()}.",
       (f"seed-stack runs fewer operations in {', '.join(less)}. " if less else "") + ("probe and probe-inline are designs under test, not products. " if "probe" in names else "") + "tubeatlas is on its real schema (what it does more: `rust/tubeatlas/src/real.rs`), tubeatlas-unit is W4 with an explicit unit of work each, tubeatlas-inline gets without a hop (not the default), tubeatlas-table has the others' tables."]
else:
    server = ["Postgres " + res[-1]["sqlite"] + " on a Unix socket, on the same machine: " + ", ".join(f"{k}={v}" for k, v in databases.SETTINGS.items()) + "; VACUUM ANALYZE after W1 and W9a, CHECKPOINT before each run.",
       f"Pools of {res[-1]['pool']}. sqlx and diesel-async are read committed, as they come; sqlx-ser and diesel-async-ser, and both tubeatlas (but for claims), are serializable. tubeatlas is on its real schema, tubeatlas-table has the others' tables. W9a has {POSTGRES_N['w9a']:,} operations."]
out = [f"{time.strftime('%Y-%m-%d')}, {rounds} rounds, " + (f"synchronous={a.sync.upper()}, " if on_sqlite else "") + f"{NV:,} videos, {os.cpu_count()} cores, {platform.machine()}, load average at the end {load[0]:.1f}.", *server,
       f"fdatasync of 4 KB: median {us(fdatasync_us())}."]
out += table(f"Operations a second, median ({'ratio to raw, ' if on_sqlite else ''}ratio to the best async Rust peer, which is bold)", cell1)
out += table("p50 / p99 latency, µs unless ms", lambda w, p: f"{us(med(w, p, 'p50_us'))} / {us(med(w, p, 'p99_us'))}")
out += table("CPU µs per operation, context switches per operation", lambda w, p: f"{med(w, p, 'cpu_us_op'):.1f}, {med(w, p, 'csw_op'):.1f}")
out += table("Peak RSS, MB", lambda w, p: f"{med(w, p, 'rss_mb'):.0f}")
err = sorted({(r["workload"], r["peer"], r["error"]) for r in res if r["errors"]})
spread = [max(v) / min(v) for d in by.values() if len(v := [x["ops_s"] for x in d.values()]) > 1]
out += ["", ("SQLITE_BUSY and other errors: " if on_sqlite else "Errors: ") + ("; ".join(f"{p} {w} ({m}): " + ", ".join(str(x["errors"]) for x in by[w, p].values()) + " a round" for w, p, m in err) or "none") + ".",
        f"Spread of one peer's rounds (max / min): median {st.median(spread):.2f}, worst {max(spread):.2f}." if spread else "",
        f"Checks (answers, database contents, {'FTS integrity, ' if on_sqlite else ''}claims): " + ("all equal to the model." if not bad else "**FAILED** " + "; ".join(sorted(set(bad))))]
json.dump(dict(argv=sys.argv[1:], nproc=os.cpu_count(), load=load, checks_failed=bad, results=res), open(a.out + ".json", "w"), indent=0)
open(a.out + ".md", "w").write("\n".join(out) + "\n")
print("\n".join(out))
where.clear({p["db"] for p in peers})
sys.exit(bool(bad))
