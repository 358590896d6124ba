"""Demo: the whole loop on real data, shown step by step, ended by a proof that can fail."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2 as httpx
from rich.console import Console
from rich.table import Table

from marquee_infra import kafka_jars, proof, simulate, tether
from marquee_infra.errors import PlatformError
from marquee_infra.java import java
from marquee_infra.platform import Platform
from marquee_infra.proof import EVENING, MORNING, NIGHT, TOP, Moved, Visitor
from marquee_infra.tiers import environment, program
from marquee_offline.catalogue import read_catalogue
from marquee_offline.movielens import MovieLens, item_id, read_folder
from marquee_shared.artifact import read_model
from marquee_shared.model import Model
from marquee_shared.store import Store

SHIPPED = Path(__file__).parents[2] / "datasets" / "ml-latest-small"
ONE_KIND, OTHER_KIND = "Horror", "Children"
RATINGS = range(30, 121)  # how many ratings the shown user has
EARLIEST_MS = 946_684_800_000  # the API takes no event from before 2000
SWAP_SECONDS = 30.0
Top = tuple[str, ...]


@dataclass(slots=True)
class Steps:
    """What is being done, and how long each step took."""

    console: Console
    took: dict[str, float] = field(default_factory=dict)
    downloads: dict[str, float] = field(default_factory=dict)

    def download_kafka(self) -> None:
        """Fetch Kafka's jars, if they are not in the cache; timed apart from the steps."""
        if kafka_jars.wrong_jars(folder := kafka_jars.cache_folder()):
            self.console.print("Fetching Kafka (44 MB, once) ...")
            started = time.monotonic()
            kafka_jars.jars(folder, java=java())
            self.downloads["Kafka, 44 MB"] = time.monotonic() - started

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.console.rule(f"[bold]{name}", align="left")
        started = time.monotonic()
        yield
        self.took[name] = time.monotonic() - started

    def table(self) -> Table:
        table = Table("step", "seconds")
        for name, seconds in self.took.items():
            table.add_row(name, f"{seconds:.1f}")
        table.add_row("[bold]together", f"[bold]{sum(self.took.values()):.1f}")
        for name, seconds in self.downloads.items():
            table.add_row(f"besides: download of {name}", f"{seconds:.1f}")
        return table


def show_demo(platform: Platform, console: Console, steps: Steps) -> None:
    """Train on the shipped data and prove that an event changes the page.

    Raises PlatformError when a step fails, ProofFailed when the page does not move.
    """
    store = Store(platform.endpoints.store)
    shipped = read_folder(SHIPPED)
    with steps.step("Import the shipped ratings"):
        _offline(platform, "import-movielens", str(SHIPPED))
    with steps.step("Simulate visitors with a taste by device and hour"):
        catalogue = read_catalogue(store, f"import-{shipped.digest}")
        source = simulate.write_history(store, seed=simulate.SEED, items=catalogue)
        console.print(f"[bold]{source}[/]: synthetic, labelled so wherever it shows")
    with steps.step("Train, evaluate and publish with Spark"):
        result = _offline(platform, "run")
        console.print(f"NDCG@10 {result['metrics']['ndcg@10']['value']:.3f}: {result['verdict']}")
        model_id = str(result["entry"]["model_id"])
        proof.until(lambda: _serves(platform, model_id), f"model {model_id} serves", SWAP_SECONDS)
    with steps.step("Rebuild the user states from the archive"):
        rebuilt = _run(platform, "marquee-nearline", "rebuild", "--json")
        console.print(f"{rebuilt['users']} users, {rebuilt['events']} events")
    with steps.step("Proof: an event changes the next page"):
        with TemporaryDirectory() as folder:
            model = read_model(store, model_id, Path(folder))
        prove(platform.url, model, shipped, console)


def prove(url: str, model: Model, shipped: MovieLens, console: Console) -> None:
    """Plays, page, control, context: shown as tables. Raises ProofFailed."""
    with closing(Visitor(url)) as visitor:
        user, ratings = _untouched_user(visitor, shipped)
        _prove_change(visitor, user, ratings, model, console)
        _show_context(console, model, visitor, user)


def _prove_change(
    visitor: Visitor, user: str, ratings: list[proof.Rating], model: Model, console: Console
) -> None:
    """The user plays one kind, a twin with the same history another."""
    twin = f"demo-{secrets.token_hex(4)}"
    visitor.give_history(twin, ratings)
    visitor.page_after(twin, len(ratings), EVENING)
    seen = {item for item, _, _ in ratings}
    moved = visitor.play(user, proof.of_genre(model, ONE_KIND, seen), EVENING)
    control = visitor.play(twin, proof.of_genre(model, OTHER_KIND, seen), EVENING)
    if moved.before.top != control.before.top:
        raise proof.ProofFailed(f"{twin} has the history of {user}, and another page")
    console.print("Pages on television, Friday 20:30; what was played is taken out of both.")
    _show_moved(console, model, f"{user} plays {ONE_KIND}", moved)
    _show_moved(console, model, f"Control: the same history plays {OTHER_KIND}", control)
    proof.check_change(moved, user)
    proof.check_change(control, twin)
    near = proof.check_directions(model, moved, control)
    console.print(
        f"Titles new to the page, mean cosine to the {ONE_KIND} plays: {near[0]:.2f}, in the "
        f"control {near[1]:.2f}; to the {OTHER_KIND} plays: {near[2]:.2f}, in the control "
        f"{near[3]:.2f}."
    )


def _untouched_user(visitor: Visitor, shipped: MovieLens) -> tuple[str, list[proof.Rating]]:
    """A trained user whose state is the imported history and nothing else."""
    for user, ratings in _histories(shipped).items():
        fits = len(ratings) in RATINGS and all(at >= EARLIEST_MS for _, _, at in ratings)
        if fits and visitor.page(user, EVENING).events == len(ratings):
            return user, ratings
    raise PlatformError(
        "Every user of the shipped data has been played with.",
        "Choose a new folder with --data, or remove the old one.",
    )


def _histories(shipped: MovieLens) -> dict[str, list[proof.Rating]]:
    histories: dict[str, list[proof.Rating]] = {}
    for rating in shipped.ratings:
        one = (item_id(rating.movie), rating.rating, rating.at * 1000)
        histories.setdefault(f"ml-{rating.user}", []).append(one)
    return histories


def _show_moved(console: Console, model: Model, title: str, moved: Moved) -> None:
    before, after = moved.before.without(moved.played), moved.after.without(moved.played)
    table = Table("", "before", "after", "", title=title, title_justify="left")
    _compare(table, model, before, after)
    played = "; ".join(_title(model, item) for item in moved.played)
    accepted, consumed, folded = moved.after.hops
    console.print(f"\nPlayed to the end: {played}", table, moved.after.because, sep="\n")
    console.print(
        f"{len(moved.new)} of the next top {TOP} are new, {moved.milliseconds:.0f} ms after the "
        f"last play was sent (accepted -> taken {consumed - accepted} ms -> folded "
        f"{folded - consumed} ms)."
    )


def _show_context(console: Console, model: Model, visitor: Visitor, user: str) -> None:
    morning, night = visitor.page(user, MORNING), visitor.page(user, NIGHT)
    table = Table(
        "", "phone, Saturday 8:00", "TV, Saturday 23:00", "", title=f"{user} in two contexts",
        title_justify="left",
    )  # fmt: skip
    before, after = morning.top[:TOP], night.top[:TOP]
    _compare(table, model, before, after)
    console.print("", table, sep="\n")
    gains = ", ".join(f"{n} {field.gain:g}" for n, field in model.manifest.context.items())
    console.print(
        f"{len(set(after) - set(before))} of the top {TOP} differ. Gains: {gains}; what "
        f"device and hour do was learnt from simulated-{simulate.SEED} alone, for MovieLens has "
        "neither."
    )
    if before == after:
        raise proof.ProofFailed("device and hour moved nothing")


def _compare(table: Table, model: Model, before: Top, after: Top) -> None:
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        step = _step(before, new, place)
        table.add_row(str(place + 1), _name(model, old), _name(model, new), step)


def _step(before: Top, item: str, place: int) -> str:
    """How an item came to its place."""
    if item not in before:
        return "[green]new"
    up = before.index(item) - place
    return f"[green]+{up}" if up > 0 else (f"[red]{up}" if up else "")


def _name(model: Model, item: str) -> str:
    found = model.items[model.row_of[item]]
    return f"{found.title} [dim]({'|'.join(found.genres)})"


def _title(model: Model, item: str) -> str:
    return model.items[model.row_of[item]].title


def _serves(platform: Platform, model_id: str) -> bool:
    return httpx.get(f"{platform.url}/readyz").json()["model_id"] == model_id  # type: ignore[no-any-return]


def _offline(platform: Platform, *arguments: str) -> dict[str, Any]:
    return _run(platform, "marquee-offline", *arguments, "--json")


def _run(platform: Platform, name: str, *arguments: str) -> dict[str, Any]:
    """One command of a tier to its end: its progress is shown, its answer comes back.

    Raises PlatformError when it fails; it has then said why on stderr.
    """
    done = subprocess.run(
        [*tether.command(), program(name), *arguments],
        env={**os.environ, **environment(platform.settings, "demo")},
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        raise PlatformError(
            f"{name} {arguments[0]} ended with code {done.returncode}.",
            "What it said stands above.",
        )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
