"""run: what is in the output, in which order, and what an interruption leaves to do."""

import base64
import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.batches import Batch, kill_a_worker


def test_results_of_a_folder_are_lines_in_the_order_of_the_names(batch: Batch) -> None:
    batch.add_many(20)
    # The first takes longest, so that the others come early.
    batch.add("0000.json", {"n": 0, "s": 0.3})

    batch.run("--input", "in", "--output", "out.jsonl", "--workers", "2")

    lines = batch.lines()
    assert [line["input"] for line in lines] == [f"{number:04}.json" for number in range(20)]
    assert [line["body"] for line in lines] == [{"n": number} for number in range(20)]
    assert {line["status"] for line in lines} == {200}
    # The server hears a moment late that a worker has gone on to its next request.
    assert lines[0]["time"] > 0.25


def test_without_an_output_the_lines_are_on_stdout_and_all_else_on_stderr(batch: Batch) -> None:
    batch.add_many(5)
    batch.add("0005.bin", b"\x00\xff")

    stdout, stderr = batch.run("--input", "in")

    lines = [json.loads(line) for line in stdout.splitlines()]
    assert [line["input"] for line in lines] == [*(f"{number:04}.json" for number in range(5)), "0005.bin"]
    assert (lines[5]["encoding"], base64.b64decode(lines[5]["body"])) == ("base64", b"\x00\xff")
    assert "6 inputs done" in stderr


def test_results_in_a_folder_are_named_after_the_inputs(batch: Batch) -> None:
    batch.add("one.json", {"n": 1})
    batch.add("deep/er/two.bin", b"\x00")
    batch.add("both.json", {"n": 3})
    batch.add("both.txt", b'{"n": 4}')
    batch.add("lines.jsonl", b'{"n": 5}\n\n{"n": 6, "do": "raise"}\n')
    batch.add(".hidden", b"")

    batch.run("--input", "in", "--output", "out", code=1)

    assert batch.files() == [
        "both.json.json",
        "both.txt.json",
        "deep/er/two.bin",
        "lines.jsonl/000001.json",
        "lines.jsonl/000003.error",
        "one.json",
    ]
    assert (batch.folder / "out" / "one.json").read_text() == '{"n": 1}'
    error = json.loads((batch.folder / "out" / "lines.jsonl" / "000003.error").read_text())
    assert (error["input"], error["status"]) == ("lines.jsonl:3", 500)
    assert error["error"] == "unexpected error occurred: ValueError: no 6"


def test_large_bodies_go_in_and_out_through_files(batch: Batch) -> None:
    data = bytes(range(256)) * 4000
    batch.add("0.bin", data)
    batch.add("1.json", {"n": 1, "do": "large"})

    batch.run("--input", "in", "--output", "out")
    batch.run("--input", "in", "--output", "out.jsonl")

    assert (batch.folder / "out" / "0.bin").read_bytes() == data
    assert [base64.b64decode(line["body"]) for line in batch.lines()] == [data, b"l" * 1_000_000]
    assert list((batch.folder / "tmp").iterdir()) == []


def test_failures_are_recorded_with_their_reason_and_the_exit_code_is_1(batch: Batch) -> None:
    for number, deed in enumerate(("", "raise", "refuse", "kill", "")):
        batch.add(f"{number}.json", {"n": number, "do": deed})

    _, stderr = batch.run("--input", "in", "--output", "out.jsonl", "--report", "report.json", code=1)

    failures = [(line["input"], line["status"], line["error"]) for line in batch.lines() if line["error"]]
    assert failures == [
        ("1.json", 500, "unexpected error occurred: ValueError: no 1"),
        ("2.json", 404, "no cat"),
        ("3.json", 502, "the worker died while it had the request: the worker was killed by SIGKILL"),
    ]
    report = json.loads((batch.folder / "report.json").read_text())
    assert [tuple(failure.values()) for failure in report["first_failures"]] == failures
    assert report["statuses"] == {"200": 2, "404": 1, "500": 1, "502": 1}
    assert (report["ending"], report["total"], report["succeeded"], report["failed"]) == ("complete", 5, 2, 3)
    assert set(report["latency_ms"]) == {"p50", "p90", "p99", "max"}
    for name, status, error in failures:
        assert f"  {name}: {status} {error}\n" in stderr


def test_link_that_leads_nowhere_is_recorded_as_a_failure(batch: Batch) -> None:
    batch.add("0.json", {"n": 0})
    (batch.folder / "in/1.json").symlink_to("gone.json")

    batch.run("--input", "in", "--output", "out.jsonl", code=1)

    assert [(line["input"], line["status"], line["error"]) for line in batch.lines()] == [
        ("0.json", 200, ""),
        ("1.json", None, "it cannot be read: No such file or directory"),
    ]


def test_lines_of_stdin_are_run_as_they_come(batch: Batch) -> None:
    process = batch.start("--input", "-", "--progress", "none", "--log-level", "error")
    assert process.stdin is not None
    assert process.stdout is not None
    for number in range(3):
        process.stdin.write(json.dumps({"n": number}) + "\n")
        process.stdin.flush()
        # The answer is here before the next line is there.
        assert json.loads(process.stdout.readline())["body"] == {"n": number}
    process.stdin.write('{"n": 3}')

    stdout, _ = process.communicate(timeout=30)

    assert json.loads(stdout)["input"] == "-:4"
    assert process.returncode == 0


def test_fail_fast_stops_at_the_first_failure(batch: Batch) -> None:
    batch.add_many(50, s=0.01)
    batch.add("0003.json", {"n": 3, "do": "raise"})

    _, stderr = batch.run("--input", "in", "--output", "out.jsonl", "--fail-fast", code=1)

    assert [line["input"] for line in batch.lines() if line["error"]] == ["0003.json"]
    assert 4 <= len(batch.lines()) < 50
    assert "--resume" in stderr


@pytest.mark.parametrize("output", ["out", "out.jsonl"])
def test_results_are_never_overwritten(batch: Batch, output: str) -> None:
    batch.add_many(2)
    batch.run("--input", "in", "--output", output)

    _, stderr = batch.run("--input", "in", "--output", output, code=2)

    assert "output-occupied" in stderr
    assert "--resume" in stderr


@pytest.mark.parametrize("output", ["other", "other.jsonl"])
def test_what_is_no_result_is_not_overwritten_by_resuming_either(batch: Batch, output: str) -> None:
    batch.add_many(2)
    path = batch.folder / output / "mine" if output == "other" else batch.folder / output
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")

    _, stderr = batch.run("--input", "in", "--output", output, "--resume", code=2)

    assert "output-occupied" in stderr
    assert path.read_text() == "mine"


@pytest.mark.parametrize("output", ["out", "out.jsonl"])
def test_killed_worker_and_ctrl_c_leave_each_result_exactly_once(batch: Batch, output: str) -> None:
    batch.add_many(120, s=0.01)
    arguments = ("--input", "in", "--output", output, "--workers", "2")
    process = batch.start(*arguments)
    batch.wait_for(10)
    kill_a_worker(process.pid)
    batch.wait_for(40)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "--resume goes on from here" in stderr
    done = batch.journaled()
    assert 40 <= len(done) < 120

    # The worker may have had none when it was killed, or one that it had not read.
    batch.run(*arguments, "--resume", code=None)

    assert sorted(batch.journaled()) == [f"{number:04}.json" for number in range(120)]
    # The worker may have been killed before it said that it was called.
    assert set(batch.calls().values()) == {1}
    assert len(batch.calls()) >= 119
    if output == "out":
        assert [name.partition(".")[0] for name in batch.files()] == [f"{number:04}" for number in range(120)]
    else:
        assert [line["input"] for line in batch.lines()] == [f"{number:04}.json" for number in range(120)]


@pytest.mark.parametrize("output", ["out", "out.jsonl"])
def test_killed_run_loses_nothing_that_is_done(batch: Batch, output: str) -> None:
    batch.add_many(100, s=0.01)
    batch.add("0010.json", {"n": 10, "s": 0.5})
    arguments = ("--input", "in", "--output", output, "--workers", "2")
    process = batch.start(*arguments)
    batch.wait_for(25)
    process.kill()
    process.communicate()
    done = {name.removesuffix(".json").lstrip("0") or "0" for name in batch.journaled()}

    batch.run(*arguments, "--resume")

    calls = batch.calls()
    assert {name: calls[name] for name in done} == dict.fromkeys(done, 1)
    # What each of the two workers ran, had got ahead, and what was being read or written; nothing else.
    assert calls.total() <= 106
    names = [f"{number:04}.json" for number in range(100)]
    assert (batch.files() if output == "out" else [line["input"] for line in batch.lines()]) == names


def test_no_more_than_a_thousand_results_wait_for_one_also_after_an_interruption(batch: Batch) -> None:
    lines = [json.dumps({"n": number, "do": "" if number else "pause"}) for number in range(1500)]
    batch.add("lines.jsonl", "\n".join(lines).encode())
    arguments = ("--input", "in", "--output", "out.jsonl", "--workers", "2", "--timeout", "600")
    process = batch.start(*arguments)
    batch.wait_for(1000)
    process.kill()
    process.communicate()
    # The six lanes of the two workers may each have had one more.
    assert 1000 <= batch.calls().total() <= 1006
    (batch.folder / "gate").unlink()

    batch.run(*arguments, "--resume")

    assert [line["body"] for line in batch.lines()] == [{"n": number} for number in range(1500)]
    assert batch.calls().total() <= 1500 + 6


def test_resuming_a_finished_run_does_nothing(batch: Batch) -> None:
    batch.add_many(10)
    batch.run("--input", "in", "--output", "out.jsonl")
    before = (batch.folder / "out.jsonl").read_bytes()

    _, stderr = batch.run("--input", "in", "--output", "out.jsonl", "--resume")

    assert "10 inputs done (10 of them earlier)" in stderr
    assert (batch.folder / "out.jsonl").read_bytes() == before
    assert set(batch.calls().values()) == {1}


@pytest.mark.parametrize("output", ["out", "out.jsonl"])
def test_retry_failed_puts_the_new_results_in_the_places_of_the_failures(batch: Batch, output: str) -> None:
    batch.add_many(6)
    batch.add("0002.json", {"n": 2, "do": "raise"})
    batch.add("0004.json", {"n": 4, "do": "raise"})
    batch.run("--input", "in", "--output", output, code=1)
    # One has been put right.
    batch.add("0002.json", {"n": 2})

    batch.run("--input", "in", "--output", output, "--retry-failed", code=1)

    assert batch.calls() == {"0": 1, "1": 1, "2": 2, "3": 1, "4": 2, "5": 1}
    if output == "out":
        assert batch.files() == [
            f"{number:04}.{extension}" for number, extension in enumerate(("json",) * 4 + ("error", "json"))
        ]
    else:
        assert [line["status"] for line in batch.lines()] == [200, 200, 200, 200, 500, 200]
        assert [line["input"] for line in batch.lines()] == [f"{number:04}.json" for number in range(6)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda batch: batch.add("0001.json", {"n": 1, "s": 0.001}), "0001.json is not what was run"),
        (lambda batch: batch.add("0000a.json", {"n": 1}), "0000a.json is not what was run"),
        (lambda batch: (batch.folder / "in" / "0003.json").unlink(), "there are 3 inputs, and number 4 has been run"),
    ],
    ids=["changed", "added", "removed"],
)
def test_other_inputs_are_refused(batch: Batch, change: Callable[[Batch], None], said: str) -> None:
    batch.add_many(4)
    batch.run("--input", "in", "--output", "out.jsonl")
    change(batch)

    _, stderr = batch.run("--input", "in", "--output", "out.jsonl", "--resume", code=2)

    assert "Error: run-differs: " in stderr
    assert said in stderr
    assert len(batch.lines()) == 4


def test_another_handler_is_refused(batch: Batch) -> None:
    batch.add_many(1)
    batch.run("--input", "in", "--output", "out.jsonl")

    _, stderr = batch.run("--input", "in", "--output", "out.jsonl", "--resume", "--handler", "main:other", code=2)

    assert "another value of --handler: main:handler, now main:other" in stderr


def test_output_that_another_run_has_is_refused(batch: Batch) -> None:
    batch.add_many(1, do="pause")
    process = batch.start("--input", "in", "--output", "out.jsonl")
    batch.wait_until_called()

    _, stderr = batch.run("--input", "in", "--output", "out.jsonl", "--resume", code=2)

    assert "run-in-progress" in stderr
    (batch.folder / "gate").unlink()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_second_ctrl_c_does_not_wait_for_the_workers(batch: Batch) -> None:
    batch.add_many(3, do="pause")
    process = batch.start("--input", "in", "--output", "out.jsonl", "--timeout", "600")
    batch.wait_until_called()
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    for line in process.stderr:
        if "a second signal stops at once" in line:
            break
    process.send_signal(signal.SIGINT)

    _, stderr = process.communicate(timeout=20)

    assert process.returncode == 130
    assert "0 of 3 inputs done" in stderr
    assert batch.lines() == []
    (batch.folder / "gate").unlink()
    batch.run("--input", "in", "--output", "out.jsonl", "--resume")
    assert [line["status"] for line in batch.lines()] == [200] * 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_finish_what_the_workers_have_too(batch: Batch, number: signal.Signals, code: int) -> None:
    batch.add_many(100, s=0.02)
    process = batch.start("--input", "in", "--output", "out.jsonl")
    batch.wait_for(3)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)

    assert process.returncode == code, stderr
    assert [line["status"] for line in batch.lines()] == [200] * batch.calls().total()


def test_reader_that_leaves_ends_the_run(batch: Batch) -> None:
    batch.add_many(100, do="large")
    process = batch.start("--input", "in")
    assert process.stdout is not None
    process.stdout.read(1000)
    process.stdout.close()

    assert process.wait(30) == 1
    assert batch.calls().total() < 100


def test_full_disk_is_an_error_of_the_output(batch: Batch) -> None:
    batch.add_many(2)
    with Path("/dev/full").open("w") as full:
        process = batch.start("--input", "in", stdout=full)
        _, stderr = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "Error: output-failed: the results cannot be written to stdout: No space left on device." in stderr


def test_handler_that_does_not_load_leaves_nothing(batch: Batch) -> None:
    batch.add_many(1)

    _, stderr = batch.run("--input", "in", "--output", "out", "--handler", "main:missing", code=4)

    assert "handler-attribute-missing" in stderr
    assert not (batch.folder / "out").exists()


def test_results_in_the_folder_of_the_inputs_are_no_inputs(batch: Batch) -> None:
    batch.add_many(3)

    batch.run("--input", "in", "--output", "in/out", "--report", "in/report.json")
    _, stderr = batch.run("--input", "in", "--output", "in/out", "--report", "in/report.json", "--resume")

    assert batch.files("in/out") == [f"{number:04}.json" for number in range(3)]
    assert "3 inputs done (3 of them earlier)" in stderr


def test_progress_for_programs_is_json(batch: Batch) -> None:
    batch.add_many(3)

    _, stderr = batch.run("--input", "in", "--output", "out", "--progress", "json")

    objects = [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
    progress, report = objects[-2]["progress"], objects[-1]["report"]
    assert (progress["done"], progress["total"], progress["failed"]) == (3, 3, 0)
    assert report["ending"] == "complete"


def test_lines_elsewhere_say_how_far_it_is(batch: Batch) -> None:
    batch.add_many(3)

    _, stderr = batch.run("--input", "in", "--output", "out")

    assert re.search(r"^run: 3 of 3 done \(100 %\), 0 failed, [\d.]+/s$", stderr, re.MULTILINE)
