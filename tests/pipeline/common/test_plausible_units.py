import pytest

from pipeline.common import TimeKind, time_problem


@pytest.mark.parametrize(
    ("seconds", "kind", "said"),
    [
        (2000.0, "repetition time", "is 2000 s, longer than any repetition time; if these are milliseconds write 2"),
        (720.0, "repetition time", "if these are milliseconds write 0.72"),
        (2e6, "repetition time", "if these are microseconds write 2"),
        (0.002, "repetition time", "shorter than any repetition time"),
        (125.0, "microtime bin", "if these are milliseconds write 0.125"),
        (30.0, "echo time", "if these are milliseconds write 0.03"),
        (0.0, "repetition time", "is 0 s; give the repetition time in seconds"),
        (float("nan"), "repetition time", "give the repetition time in seconds"),
        (float("inf"), "echo time", "give seconds"),
    ],
)
def test_a_time_that_cannot_be_in_seconds_is_told_with_the_value_to_write(
    seconds: float, kind: TimeKind, said: str
) -> None:
    assert said in str(time_problem(seconds, kind))


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [
        (0.05, "repetition time"),
        (20.0, "repetition time"),
        (0.72 / 16, "microtime bin"),
        (0.012, "echo time"),
        (0.0, "delay"),
    ],
)
def test_times_of_real_scans_pass(seconds: float, kind: TimeKind) -> None:
    assert time_problem(seconds, kind) is None
