"""The databases of the peers: files of SQLite, or databases of a throw-away cluster of Postgres."""
import glob, os, shutil, signal, sqlite3, subprocess, tempfile
import data as D

def video_hash(row):
    """of the columns of `videos`, times in seconds"""
    return D.h(*row[:4], int(row[4]), *row[5:14], int(row[14]), int(row[15]))

class Sqlite:
    NAME, SEARCH = "SQLite", "FTS5"
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
    def at(self, name): return f"{self.folder}/{name}.db"
    def clear(self, names):
        for f in os.listdir(self.folder):
            if f.split(".db")[0] in names: os.remove(f"{self.folder}/{f}")
    def is_there(self, name): return os.path.exists(self.at(name))
    def rest(self, name): os.sync()
    def filled(self, name): pass
    def query(self, name, sql):
        c = sqlite3.connect(self.at(name))
        try: return c.execute(sql).fetchall()
        finally: c.close()
    def table_hash(self, name):
        s = "strftime('%s', {})".format
        rows = self.query(name, f"SELECT id,channel_id,title,description,{s('published_at')},duration_seconds,view_count,like_count,dislike_count,comment_count,category_id,category_name,tags,thumbnail_url,{s('created_at')},{s('updated_at')} FROM videos")
        return len(rows), sum(map(video_hash, rows)) & D.M
    def index_is_whole(self, name):
        c = sqlite3.connect(self.at(name))
        try: c.execute("INSERT INTO transcripts_fts(transcripts_fts, rank) VALUES('integrity-check', 1)")
        except sqlite3.Error as x: return str(x)
        finally: c.rollback(); c.close()
    def end(self): pass

SETTINGS = dict(shared_buffers="512MB", max_wal_size="4GB", checkpoint_timeout="30min", autovacuum="off", max_connections="100",
                fsync="on", synchronous_commit="on", full_page_writes="on", listen_addresses="''")
class Postgres:
    """A cluster in a folder of its own, on a Unix socket alone, removed in the end."""
    NAME, SEARCH = "Postgres", "tsvector"
    def __init__(self, parent):
        homes = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))  # Debian's
        self.bin = homes[-1] if homes else os.path.dirname(shutil.which("initdb") or "")
        if not self.bin: raise SystemExit("there is no Postgres: apt-get install postgresql (its own server need not run)")
        os.makedirs(parent, exist_ok=True)
        self.folder = tempfile.mkdtemp(prefix="cluster-", dir=parent)
        self.user = {}
        if os.getuid() == 0:  # which Postgres refuses to run as
            shutil.chown(self.folder, "postgres", "postgres")
            self.user = dict(user="postgres", group="postgres", extra_groups=[], cwd="/")
        run = lambda *cmd: subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL, **self.user)
        run(f"{self.bin}/initdb", "-D", f"{self.folder}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = " ".join(f"-c {k}={v}" for k, v in {**SETTINGS, "unix_socket_directories": self.folder}.items())
        run(f"{self.bin}/pg_ctl", "-D", f"{self.folder}/data", "-l", f"{self.folder}/log", "-w", "-o", options, "start")
        signal.signal(signal.SIGTERM, lambda *_: exit(1))
    def database(self, name): return name.replace("-", "_")
    def at(self, name): return f"postgres://postgres@{self.folder.replace('/', '%2F')}/{self.database(name)}"
    def psql(self, database, sql):
        o = subprocess.run([f"{self.bin}/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", "-d", database, "-c", sql], capture_output=True, text=True, check=True)
        return o.stdout
    def clear(self, names):
        self.made = set()
        for name in names:
            self.psql("postgres", f"DROP DATABASE IF EXISTS {self.database(name)} WITH (FORCE)")
    def is_there(self, name): return name in self.made
    def rest(self, name):
        """creates what is not there, and has nothing left to write"""
        if name not in self.made:
            self.psql("postgres", f"CREATE DATABASE {self.database(name)}")
            self.made.add(name)
        self.psql("postgres", "CHECKPOINT")
        os.sync()
    def filled(self, name): self.psql(self.database(name), "VACUUM (ANALYZE)")
    def query(self, name, sql):
        """rows of texts; nothing here has a tab or a newline in it"""
        rows = self.psql(self.database(name), f"COPY ({sql}) TO STDOUT").splitlines()
        return [[None if x == r"\N" else x for x in row.split("\t")] for row in rows]
    def table_hash(self, name):
        s = "extract(epoch FROM {})::bigint".format
        rows = self.query(name, f"SELECT id,channel_id,title,description,{s('published_at')},duration_seconds,view_count,like_count,dislike_count,comment_count,category_id,category_name,tags,thumbnail_url,{s('created_at')},{s('updated_at')} FROM videos")
        return len(rows), sum(video_hash(r[:5] + [int(x) for x in r[5:10]] + r[10:]) for r in rows) & D.M
    def index_is_whole(self, name): pass
    def end(self):
        subprocess.run([f"{self.bin}/pg_ctl", "-D", f"{self.folder}/data", "-m", "immediate", "-w", "stop"], stdout=subprocess.DEVNULL, **self.user)
        shutil.rmtree(self.folder)
