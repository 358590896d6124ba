import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from marquee_offline.catalogue import item_table
from marquee_offline.movielens import import_movielens, read_folder
from marquee_shared.archive import LAST, parse
from marquee_shared.errors import BadInput
from marquee_shared.event import decode_event
from marquee_shared.ids import partition_of
from marquee_shared.store import Store

HEADER = "userId,movieId,rating,timestamp\n"


def folder_of(tmp_path: Path, ratings: str | bytes, movies: str | None = None) -> Path:
    data = ratings if isinstance(ratings, bytes) else ratings.encode()
    (tmp_path / "ratings.csv").write_bytes(data)
    if movies is not None:
        (tmp_path / "movies.csv").write_text(movies)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (b"", 1, "header"),
        (HEADER, 2, "at least one row"),
        ("user,movie,rating,timestamp\n1,1,4.0,5\n", 1, "header"),
        (HEADER + "1,1,4.0\n", 2, "expected 4 columns, found 3"),
        (HEADER + "1,1,4.0,5\n1,2,4.0,5,6\n", 3, "expected 4 columns, found 5"),
        (HEADER + "1,1,4.0,5\n\n", 3, "columns"),
        (HEADER + "one,1,4.0,5\n", 2, "userId"),
        (HEADER + "1,1.5,4.0,5\n", 2, "movieId"),
        (HEADER + "1,1,4.2,5\n", 2, "half steps"),
        (HEADER + "1,1,0,5\n", 2, "half steps"),
        (HEADER + "1,1,5.5,5\n", 2, "half steps"),
        (HEADER + "1,1,nan,5\n", 2, "half steps"),
        (HEADER + "1,1,4.0,-5\n", 2, "timestamp"),
        (HEADER + "1,1,4.0,964982703000\n", 2, "2100"),
        (HEADER.encode() + b"1,1,4.0,5\n1,\xff,4.0,5\n", 3, "UTF-8"),
    ],
)
def test_bad_row_is_refused_with_file_and_line_and_nothing_is_written(
    tmp_path: Path, store: Store, text: str | bytes, line: int, reason: str
) -> None:
    with pytest.raises(BadInput, match=rf"ratings\.csv line {line}: .*{reason}"):
        import_movielens(store, folder_of(tmp_path, text))
    assert store.list("events/") == store.list("catalogues/") == []


def test_bad_film_is_refused_before_any_rating_is_written(tmp_path: Path, store: Store) -> None:
    folder = folder_of(tmp_path, HEADER + "1,1,4.0,5\n", "movieId,title,genres\nx,Heat,Crime\n")
    with pytest.raises(BadInput, match=r"movies\.csv line 2: movieId"):
        import_movielens(store, folder)
    assert store.list("events/") == []


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"ratings\.csv: No such file"):
        read_folder(tmp_path)


def test_second_import_finds_everything_there(tmp_path: Path, store: Store) -> None:
    folder = folder_of(tmp_path, HEADER + "".join(f"{u},1,4.0,{u}\n" for u in range(1, 40)))
    first = import_movielens(store, folder)
    keys = store.list("events/")
    second = import_movielens(store, folder)
    assert (first.created, first.there) == (len(keys), 0)
    assert (second.created, second.there) == (0, len(keys))
    assert first.source == second.source
    assert store.list("events/") == keys


def test_import_cut_short_is_completed_by_the_next(tmp_path: Path, store: Store) -> None:
    folder = folder_of(tmp_path, HEADER + "".join(f"{u},1,4.0,{u}\n" for u in range(1, 40)))
    import_movielens(store, folder)
    keys = store.list("events/")
    store.delete(keys[2])
    assert import_movielens(store, folder).created == 1
    assert store.list("events/") == keys


def test_ratings_become_events_dense_per_partition_in_order_of_time(
    tmp_path: Path, store: Store
) -> None:
    rows = "".join(f"{u},{m},3.5,{1000 - m}\n" for u in range(1, 30) for m in (10, 20))
    import_movielens(store, folder_of(tmp_path, HEADER + rows))
    total = 0
    for name in store.list("events/"):
        table = pq.read_table(io.BytesIO(store.get(name)))
        events = [decode_event(value) for value in table.column("value").to_pylist()]
        n = len(events)
        assert table.column("offset").to_pylist() == list(range(n))
        assert table.schema.metadata[LAST] == str(n - 1).encode()
        assert [e.at for e in events] == sorted(e.at for e in events)
        assert {partition_of(e.user_id, 8) for e in events} == {parse(name).partition}
        assert table.column("key").to_pylist() == [e.user_id.encode() for e in events]
        assert {e.context.daypart for e in events} == {"other"}
        total += n
    assert total == 58


def test_catalogue_splits_title_and_year_and_is_united_with_the_items(
    tmp_path: Path, store: Store
) -> None:
    movies = (
        'movieId,title,genres\n1,"American President, The (1995)",Comedy|Drama\n'
        "2,Cosmos,(no genres listed)\n"
    )
    written = import_movielens(store, folder_of(tmp_path, HEADER + "1,1,4.0,5\n", movies))
    first, second, third = item_table(store, [written.source], ["ml-1", "ml-2", "ml-3"])
    assert (first.title, first.year) == ("American President, The", 1995)
    assert first.genres == ("Comedy", "Drama")
    assert (second.title, second.year, second.genres) == ("Cosmos", 0, ())
    assert third.title == "ml-3"
