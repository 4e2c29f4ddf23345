"""The load balancing room: keeps ports, rules and targets in step with moto, and publishes metrics."""

from __future__ import annotations

import logging
import threading

from local_aws.clock import Clock
from local_aws.elb import health, secure
from local_aws.elb import snapshot as moto_state
from local_aws.elb.addresses import Addresses, listen
from local_aws.elb.api import ElbApi
from local_aws.elb.counters import PERIOD_SECONDS, Counters, Metrics
from local_aws.elb.forwarder import Forwarder, Route
from local_aws.elb.listener import Port
from local_aws.elb.snapshot import Listener, LoadBalancer, Snapshot
from local_aws.elb.targets import Target, TargetKey, Targets
from local_aws.elb.timeouts import Floors, Timeouts
from local_aws.interfaces import Api, JsonObject, Network, TargetHealth

log = logging.getLogger("local_aws.elb")

RECONCILE_REAL_SECONDS = 0.2
"""How often changes that did not come through the API (CloudFormation, Auto Scaling, a reset) are looked for."""

JOIN_REAL_SECONDS = 2.0


class LoadBalancingRoom:
    """Component and LoadBalancing."""

    def __init__(self, clock: Clock, api: Api, network: Network, metrics: Metrics, *, floors: Floors | None = None) -> None:
        self._clock = clock
        self._metrics = metrics
        self._counters = Counters()
        self._timeouts = Timeouts(clock.speed, floors or Floors())
        self._targets = Targets(clock, network, self._timeouts, self._drained)
        self._forwarder = Forwarder(network, self._timeouts, self._targets, self._counters)
        self._api = ElbApi(self._targets, self.reconcile)
        self._addresses = Addresses()
        self._ports: dict[tuple[str, int, str, tuple[str, ...]], Port] = {}
        """Open ports by listener ARN, port, protocol and certificates: when one of these changes, another port is opened."""
        self._imported: set[TargetKey] = set()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._problems: dict[str, str] = {}
        self._api.install(api)

    # Component

    def start(self) -> None:
        self._stop.clear()
        self._threads = [
            threading.Thread(target=self._keep_reconciled, name="elb-reconcile", daemon=True),
            threading.Thread(target=self._publish_metrics, name="elb-metrics", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(JOIN_REAL_SECONDS)
        self._clear()

    def reset(self) -> None:
        self._clear()

    def _clear(self) -> None:
        with self._lock:
            for port in self._ports.values():
                port.abort()
            self._ports.clear()
            self._targets.halt_all()
            self._imported.clear()
            self._problems.clear()
            self._forwarder.pool.clear()
            self._counters.clear()

    def state(self) -> JsonObject:
        snapshot = self._targets.snapshot
        return {
            "load_balancers": [self._balancer_state(balancer) for balancer in snapshot.load_balancers.values()],
            "target_groups": [
                {"arn": arn, "targets": [self._target_state(target) for target in self._targets.of_group(arn)]}
                for arn in snapshot.target_groups
            ],
        }

    def _balancer_state(self, balancer: LoadBalancer) -> JsonObject:
        return {
            "name": balancer.name,
            "arn": balancer.arn,
            "address": self._addresses.of(balancer.arn),
            "listeners": [self._listener_state(listener) for listener in balancer.listeners],
        }

    def _listener_state(self, listener: Listener) -> JsonObject:
        state: JsonObject = {"arn": listener.arn, "port": listener.port, "protocol": listener.protocol, "url": None}
        port = self._ports.get(_identity(listener))
        if port is not None:
            state["url"] = f"{listener.protocol.lower()}://{port.address}:{port.number}"
            if port.number != listener.port:
                state["note"] = f"Port {listener.port} could not be had by this user or is taken; {port.number} serves in its place."
        if listener.arn in self._problems:
            state["note"] = self._problems[listener.arn]
        return state

    def _target_state(self, target: Target) -> JsonObject:
        current = self._targets.health_of(target)
        return {
            "id": target.key.id,
            "port": target.key.port,
            "zone": target.zone,
            "state": current.state,
            "reason": current.reason,
            "in_flight": target.in_flight,
        }

    # LoadBalancing

    def register(self, target_group_arn: str, address: str, port: int, zone: str | None) -> None:
        """See `LoadBalancing.register`."""
        self._api.register(self._api.group(target_group_arn), address, port, zone)

    def deregister(self, target_group_arn: str, address: str, port: int) -> None:
        """See `LoadBalancing.deregister`."""
        self._targets.deregister(TargetKey(target_group_arn, address, port))

    def health(self, target_group_arn: str, address: str, port: int) -> TargetHealth:
        """See `LoadBalancing.health`."""
        return self._targets.health(TargetKey(target_group_arn, address, port))

    # Keeping in step with moto

    def _keep_reconciled(self) -> None:
        while not self._stop.wait(RECONCILE_REAL_SECONDS):
            try:
                self.reconcile()
                self._forwarder.pool.prune()
            except Exception:
                # A half-written moto object must not end the data plane: the next round sees it whole.
                log.exception("load balancers could not be brought up to date")

    def reconcile(self) -> None:
        """Read moto's state; open, close and re-point ports; register and drain what moto did by itself."""
        with self._lock:
            if self._stop.is_set():
                return
            snapshot = moto_state.read()
            deleted = self._targets.snapshot.target_groups.keys() - snapshot.target_groups.keys()
            gone = self._targets.snapshot.load_balancers.keys() - snapshot.load_balancers.keys()
            self._targets.snapshot = snapshot
            for arn in deleted:
                self._targets.forget_group(arn)
            for arn in gone:
                self._addresses.release(arn)
            moto_state.publish(snapshot, {arn: self._addresses.of(arn) for arn in snapshot.load_balancers})
            self._reconcile_ports(snapshot)
            self._reconcile_instances(snapshot)

    def _reconcile_ports(self, snapshot: Snapshot) -> None:
        wanted = {
            _identity(listener): (balancer, listener) for balancer in snapshot.load_balancers.values() for listener in balancer.listeners
        }
        for key in self._ports.keys() - wanted.keys():
            self._ports.pop(key).retire()
        for key in wanted.keys() - self._ports.keys():
            balancer, listener = wanted[key]
            try:
                self._ports[key] = self._open(balancer, listener)
                self._problems.pop(listener.arn, None)
            except (OSError, ValueError) as error:
                if self._problems.get(listener.arn) != str(error):
                    log.warning("listener %s: %s", listener.arn, error)
                self._problems[listener.arn] = str(error)

    def _open(self, balancer: LoadBalancer, listener: Listener) -> Port:
        address = self._addresses.of(balancer.arn)
        context = None
        if listener.protocol == "HTTPS":
            context = secure.listener_context(balancer.account, balancer.region, listener.certificate_arns, address)

        def route() -> Route | None:
            return self._route(balancer.arn, listener.arn)

        def idle() -> float:
            current = self._targets.snapshot.load_balancers.get(balancer.arn, balancer)
            return self._timeouts.client(current.idle_timeout)

        return Port(listen(address, listener.port), context, self._forwarder, route, idle)

    def _route(self, balancer_arn: str, listener_arn: str) -> Route | None:
        balancer = self._targets.snapshot.load_balancers.get(balancer_arn)
        if balancer is None:
            return None
        return next((Route(balancer, listener) for listener in balancer.listeners if listener.arn == listener_arn), None)

    def _reconcile_instances(self, snapshot: Snapshot) -> None:
        """Instances: those that an Auto Scaling group attached or took away, and those that stopped or ended."""
        present: set[TargetKey] = set()
        for group in snapshot.target_groups.values():
            for identity, port in moto_state.registered_in_moto(group).items():
                key = TargetKey(group.arn, identity, port)
                present.add(key)
                found = moto_state.instance(group, identity)
                if key not in self._imported and found is not None and found.state == "running" and found.address is not None:
                    self._imported.add(key)
                    self._targets.register(key, found.address, found.zone)
        for key in self._imported - present:
            self._imported.discard(key)
            self._targets.deregister(key)
        for target in self._targets.all():
            owner = snapshot.target_groups.get(target.key.group)
            if owner is not None and owner.target_type == "instance":
                found = moto_state.instance(owner, target.key.id)
                target.stopped_instance = found is not None and found.state in ("stopping", "stopped")
                if found is None or found.state in ("shutting-down", "terminated"):
                    self._targets.deregister(target.key)

    def _drained(self, target: Target) -> None:
        self._forwarder.pool.drop(target.address, target.key.port)

    # Metrics

    def _publish_metrics(self) -> None:
        while not self._clock.sleep(PERIOD_SECONDS, self._stop):
            try:
                self.publish_metrics()
            except Exception:
                log.exception("metrics could not be published")

    def publish_metrics(self) -> None:
        """Put what was counted since the last time, as happens each minute."""
        snapshot = self._targets.snapshot
        hosts = []
        for group in snapshot.target_groups.values():
            states = [self._targets.health_of(target).state for target in self._targets.of_group(group.arn)]
            if states and group.load_balancers:
                hosts.append((group, states.count(health.HEALTHY.state), states.count("unhealthy")))
        self._counters.publish(self._metrics, snapshot, hosts)


def _identity(listener: Listener) -> tuple[str, int, str, tuple[str, ...]]:
    return listener.arn, listener.port, listener.protocol, listener.certificate_arns
