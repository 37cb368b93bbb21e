"""A flood of refusals writes a bounded number of rows, and its size is told."""

from __future__ import annotations

from app.domains.audit.recording.sampling import MAX_CALLERS, OTHERS, PER_WINDOW, WINDOW_SECONDS, Sampler


def test_the_first_refusals_are_admitted_and_the_rest_is_counted() -> None:
    sampler = Sampler()
    assert sum(sampler.admits("strangers", now=1.0) for _ in range(10_000)) == PER_WINDOW
    assert sampler.left_out(now=2.0) == []
    assert sampler.left_out(now=1.0 + WINDOW_SECONDS) == [("strangers", 10_000 - PER_WINDOW)]
    assert sampler.left_out(now=1.0 + WINDOW_SECONDS) == []


def test_a_window_that_ends_by_the_next_refusal_is_told_as_well() -> None:
    sampler = Sampler()
    for _ in range(PER_WINDOW + 3):
        sampler.admits("ann", now=0.0)
    assert sampler.admits("ann", now=WINDOW_SECONDS)
    assert sampler.left_out(now=WINDOW_SECONDS) == [("ann", 3)]


def test_one_caller_takes_nothing_from_another() -> None:
    sampler = Sampler()
    for _ in range(PER_WINDOW * 2):
        sampler.admits("ann", now=0.0)
    assert sampler.admits("bob", now=0.0)


def test_the_callers_that_are_counted_are_bounded() -> None:
    sampler = Sampler()
    for number in range(MAX_CALLERS + PER_WINDOW + 5):
        sampler.admits(str(number), now=0.0)
    assert sampler.left_out(now=float("inf")) == [(OTHERS, 5)]
