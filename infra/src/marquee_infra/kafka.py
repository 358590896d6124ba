"""A Kafka of our own: one node (KRaft, broker and controller in one), loopback only."""

import base64
import subprocess
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from marquee_infra.child import Command
from marquee_infra.errors import PlatformError, disk_full
from marquee_infra.java import java
from marquee_infra.kafka_jars import cache_folder, class_path, jars
from marquee_infra.ports import LOOPBACK

LOGGING = Path(__file__).with_name("kafka-log4j2.properties")

# A laptop's measure of memory (390 MB resident) and of start time (no optimising compiler).
JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

# A killed broker may only come back when its old session has run out; at Kafka's own 9 s that is
# what a restart waits for most.
SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_folder}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
auto.create.topics.enable=false
log.retention.hours=168
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
"""


def command(folder: Path, *, port: int, controller_port: int) -> Command:
    """The command of a Kafka that keeps its data in `folder`; formats it at the first call.

    The ports may differ from run to run. Fetches Kafka's jars if need be (44 MB). Raises
    PlatformError when Java or the jars are missing, or the folder cannot be formatted.
    """
    program = java()
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    properties = folder / "server.properties"
    properties.write_text(
        SETTINGS.format(
            host=LOOPBACK, port=port, controller_port=controller_port, log_folder=folder / "log"
        )
    )
    jar_path = ":".join(map(str, class_path(jars(cache_folder(), java=program))))
    run = (program, *JVM, *_logging(folder), "-cp", jar_path)
    _format_once(run, folder / "log", properties)
    return Command(name="kafka", argv=(*run, "kafka.Kafka", str(properties)))


def answers(address: str, *, seconds: float = 2.0) -> bool:
    """Whether a broker at `host:port` answers a metadata request and counts itself in."""
    client = AdminClient(
        {
            "bootstrap.servers": address,
            "log_level": 0,  # refused connections are what we wait out
            "reconnect.backoff.max.ms": 200,
        }
    )
    try:
        return bool(client.list_topics(timeout=seconds).brokers)
    except KafkaException:
        return False


def _format_once(run: tuple[str, ...], log_folder: Path, properties: Path) -> None:
    if (log_folder / "meta.properties").exists():  # the last file that formatting writes
        return
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # One word with "=": alone, an id that begins with "-" would be taken for an option.
    tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties))
    done = subprocess.run([*run, *tool], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip()
        if "No space left on device" in output:
            raise disk_full(log_folder.parent)
        raise PlatformError(
            f"Kafka could not prepare {log_folder}:\n{output}\n", "Delete that folder or mend it."
        )


def _logging(folder: Path) -> tuple[str, ...]:
    return (
        f"-Dlog4j2.configurationFile={LOGGING}",
        f"-Dmarquee.kafka.log={folder / 'kafka.log'}",
        f"-XX:ErrorFile={folder / 'java-crash.log'}",
    )
