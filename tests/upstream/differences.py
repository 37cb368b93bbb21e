"""What ends otherwise on ours than on the stock transport, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Tests by the ends of their names, without parameters, and the reason in a sentence."""

    tests: tuple[str, ...]
    reason: str


def _difference(reason: str, *tests: str) -> Difference:
    return Difference(tests=tests, reason=reason)


DIFFERENCES = (
    _difference(
        "Who looks for lost messages holds a lock for 5 s, which ends by itself: kombu's is released by a "
        "script, and who may load one may load one that never ends. A second look within 5 s is left out.",
        "test_restore_visible_requeues_expired_unacked",
        "test_failed_restore_visible_keeps_message_unacked",
    ),
    _difference(
        "The test looks at how it is asked for lost messages: ours asks for tags alone, without their times, "
        "and by a clock that the test does not set.",
        "test_qos_restore_visible",
        "test_qos_restore_visible_uses_zrange_byscore_rev",
        "test_qos_restore_visible_without_limit",
        "test_global_keyprefix_restore_visible",
    ),
    _difference(
        "The tables of bindings are kept without scripts, whose calls the test looks for.",
        "test_sweep_bindings_passes_the_key_prefixes",
        "test_binding_scripts_register_once",
    ),
    _difference(
        "The test's event loop is a stand-in whose callbacks are no set: ours takes kombu's out of them, to "
        "tell a loop of a socket once and not before each turn.",
        "test_Channel::test_register_with_event_loop",
        "test_register_with_event_loop__restore_interval_from_options",
        "test_register_with_event_loop__non_positive_interval_falls_back",
        "test_register_with_event_loop_stores_trefs_on_cycle",
        "test_register_with_event_loop_cancels_stale_trefs_on_reconnect",
        "test_configurable_health_check",
    ),
    _difference(
        "A pool of threads has no processes to tell of, nor has Celery's own.",
        "test_Inspect::test_stats",
    ),
    _difference(
        "The test registers a task anew while the worker runs. Threads see it at once, and one that comes "
        "after the start of a worker has no tracer; children have the one from before.",
        "test_class_based_task_retried",
    ),
    _difference(
        "A redis-py that is too old is not looked for at each connection: its version is locked.",
        "test_Channel::test_get_client",
    ),
    _difference(
        "Sentinel has a channel of kombu's own, and no setting here leads to it.",
        "test_sentinel_inherits_publish_batch_support",
    ),
    _difference(
        "kombu's stand-in for Redis answers with text, where Redis answers with bytes.",
        "test_publish__consume",
    ),
)


def reason_of(test: str) -> str | None:
    """Why a test is expected to fail on ours; None where it is not."""
    name = test.partition("[")[0]
    return next((one.reason for one in DIFFERENCES if name.endswith(one.tests)), None)
