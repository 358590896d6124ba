"""The compose file as its users meet it, in the order of the file: one stack, one story."""

import re

import httpx2 as httpx
import pytest
from compose_stack import TAG, TIERS, Stack
from deadline import wait_until
from people import page_with, personal, send, top_picks
from steady_load import SteadyLoad

pytestmark = pytest.mark.slow

PARTS = ("kafka", "redis", "store")
SERVICES = (*PARTS, "offline", "nearline", "archive", "online", "visitors")
IMAGES = (*TIERS, "visitors")
LARGEST_MB = {"offline": 1600, "nearline": 560, "online": 410, "visitors": 540}
NEW_IN_TOP_TEN = 2
EVENTS_BETWEEN = 20  # acknowledged between two kills

ARCHIVED = """
import json, os
from marquee_nearline.parquet import decode
from marquee_shared.archive import parse, prefix
from marquee_shared.event import decode_event
from marquee_shared.store import Store
from marquee_shared.variables import read_secret_files
read_secret_files(os.environ)
store = Store(os.environ["MARQUEE_STORE"])
found = []
for name in store.list(prefix("events")):
    object = parse(name)
    if object.source.startswith("kafka-"):
        for record in decode(store.get(name), name):
            found.append([object.partition, record.offset, decode_event(record.value).event_id])
print(json.dumps(found))
"""
FOREIGN = ("KEYS *", "FLUSHALL", "CONFIG GET dir", "ACL LIST", "FUNCTION DELETE marquee_state_v1")
TRY = """
import json, os, sys, redis
from marquee_shared.variables import read_secret_files
read_secret_files(os.environ)
client = redis.Redis.from_url(os.environ["MARQUEE_REDIS"])
said = {}
for words in sys.argv[1:]:
    try:
        said[words] = repr(client.execute_command(*words.split()))
    except redis.ResponseError as error:
        said[words] = str(error)
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def http(stack):
    with httpx.Client(base_url=stack.url, timeout=10) as client:
        yield client


@pytest.fixture(scope="module")
def items(http):
    page = http.get("/v1/home", params={"user_id": "ml-1"}).json()
    return [item["item_id"] for row in page["rows"] for item in row["items"]]


@pytest.fixture(scope="module")
def load(stack, items):
    """Events all through the story; the last test counts them."""
    with SteadyLoad(stack.url, "steady", items) as load:
        yield load


def goes_on(load: SteadyLoad, more: int = EVENTS_BETWEEN) -> None:
    """Wait until the load has got some more events through."""
    before = load.count()
    wait_until(lambda: load.count() >= before + more, f"{more} more events", seconds=120)


def test_a_personalised_page_can_be_had_from_outside(http):
    page = http.get("/v1/home", params={"user_id": "ml-1"}).json()

    assert page["basis"] == "history"
    assert page["degraded"] == []


def test_an_event_changes_the_next_page(http, items):
    context = {"device": "tv", "local_time": "2026-11-20T20:30"}
    before = http.get("/v1/home", params={"user_id": "ml-42", **context}).json()
    played = items[-5:]

    for item in played:
        send(http, "ml-42", item, "complete")
    after = page_with(http, "ml-42", before["state"]["events"] + len(played), **context)

    old = [item for item in top_picks(before) if item not in played][:10]
    new = [item for item in top_picks(after) if item not in played][:10]
    assert before["model_id"] == after["model_id"]
    assert len(set(new) - set(old)) >= NEW_IN_TOP_TEN


@pytest.mark.parametrize("service", IMAGES)
def test_an_image_is_small_locked_and_says_what_it_is(stack: Stack, service):
    container = stack.container(service)
    image = stack.engine.images.get(container.attrs["Image"])
    print(f"\nimage {service}: {image.attrs['Size'] / 1e6:.0f} MB")

    assert image.attrs["Size"] / 1e6 < LARGEST_MB[service]
    labels = image.labels
    tools = """exec 2>&1
for tool in gcc cc c++ g++ ld make pip pip3; do command -v $tool; done
touch /opt/marquee/x; id -u"""
    said = container.exec_run(["sh", "-c", tools]).output.decode()

    assert labels["org.opencontainers.image.version"] == TAG
    assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert said.splitlines()[-1] == "10001"
    assert "Read-only file system" in said
    assert len(said.splitlines()) == 2, said  # and none of the tools was found


def test_ports_are_open_on_this_machine_alone(stack: Stack):
    published = [
        binding["HostIp"]
        for container in map(stack.container, SERVICES)
        for bindings in container.attrs["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    ]

    assert published == ["127.0.0.1"]


def test_online_may_read_states_and_nothing_else(stack: Stack):
    said = stack.python("online", TRY, *FOREIGN, "SET u:{n1.0}:x 1", "GET p:{n1.0}:meta")

    assert all("permission" in answer.lower() for answer in said.values()), said


def test_nearline_may_touch_its_own_keys_and_no_server(stack: Stack):
    said = stack.python("nearline", TRY, *FOREIGN, "GET other")

    assert all("permission" in answer.lower() for answer in said.values()), said


def test_nobody_without_a_password_reaches_redis(stack: Stack):
    asked = stack.container("redis").exec_run(["redis-cli", "get", "cluster:meta"])

    assert b"NOAUTH" in asked.output


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_comes_back_and_the_loop_goes_on(stack, load, http, service):
    goes_on(load)

    stack.kill(service)
    stack.wait_healthy(*SERVICES)

    goes_on(load)
    personal(http, "ml-1")  # whose history came by a rebuild: nothing but Redis holds it


def test_training_again_swaps_the_model_without_a_failed_page(stack: Stack, load, http):
    before, failures = stack.ready()["model_id"], len(load.failures)

    stack.compose("exec", "-T", "offline", "marquee-offline", "run")
    wait_until(lambda: stack.ready()["model_id"] != before, "the new model serves")

    personal(http, "ml-1")
    assert load.failures[failures:] == []


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_deployed_alone_leaves_the_others_serving(stack: Stack, load, tier):
    others = [service for service in SERVICES if service != tier]
    before = {s: stack.container(s).attrs["State"]["StartedAt"] for s in others}
    old, failures = stack.container(tier).id, len(load.failures)

    stack.compose("up", "-d", "--build", "--no-deps", tier, COMMIT=f"{'0' * 39}{len(tier)}")
    stack.wait_healthy(*SERVICES)
    goes_on(load)

    assert stack.container(tier).id != old
    assert {s: stack.container(s).attrs["State"]["StartedAt"] for s in others} == before
    if tier != "online":  # one instance of it, replaced, is away for a moment; see its README
        assert load.failures[failures:] == []


def test_everything_restarted_with_its_volumes_goes_on_where_it_was(stack: Stack, http, load):
    model = stack.ready()["model_id"]
    goes_on(load)

    stack.down()
    assert stack.up() < 300

    goes_on(load)
    assert stack.ready()["model_id"] == model
    personal(http, "ml-42")


def test_nothing_acknowledged_is_lost_and_nothing_doubled(stack: Stack, load, http):
    load.__exit__()
    acknowledged = dict(load.acknowledged)
    for user, events in acknowledged.items():
        page = page_with(http, user, len(events))
        assert page["state"]["events"] == len({one.event_id for one in events}), user

    wanted = {(e.partition, e.offset): e.event_id for some in acknowledged.values() for e in some}
    found: list = []

    def archived():
        found[:] = stack.python("archive", ARCHIVED)
        return wanted.keys() <= {(partition, offset) for partition, offset, _ in found}

    wait_until(archived, "all of it is archived", seconds=60)
    places = [(partition, offset) for partition, offset, _ in found]
    assert len(places) == len(set(places))
    named = {(partition, offset): event for partition, offset, event in found}
    assert {place: named[place] for place in wanted} == wanted
    print(
        f"\n{len(SERVICES)} containers killed, 3 deploys, 1 restart: {len(wanted)} events "
        f"acknowledged, 0 lost, 0 doubled; {len(load.failures)} requests tried again"
    )


def test_the_logs_hold_no_secret(stack: Stack):
    held = "cd /run/secrets; for one in credit-keys redis store-secret-key; do cat $one; echo; done"
    told = [
        stack.container(t).exec_run(["sh", "-c", held]).output.decode()
        for t in ("nearline", "online")
    ]
    secrets = set(re.findall(r"[0-9a-f]{40,}", "".join(told)))
    assert len(secrets) == 4  # a password each; the credit key and the store's are the same

    logs = stack.compose("logs", "--no-color")

    assert [secret for secret in secrets if secret in logs] == []
