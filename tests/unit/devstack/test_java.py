from __future__ import annotations

from pathlib import Path

import pytest

from app.devstack.java import find_java
from app.errors import FailureCode, OperatorError


def jdk(folder: Path, version: str) -> Path:
    """A JDK as far as its `release` file tells."""
    command = folder / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.touch()
    (folder / "release").write_text(f'IMPLEMENTOR="Somebody"\nJAVA_VERSION="{version}"\n')
    return command


def speaking_java(folder: Path, banner: str) -> Path:
    """A java command without a `release` file that has to be asked."""
    folder.mkdir(parents=True)
    command = folder / "java"
    command.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    command.chmod(0o755)
    return command


def test_java_home_comes_first(tmp_path: Path) -> None:
    mine = jdk(tmp_path / "mine", "21.0.4")
    jdk(tmp_path / "jvm" / "temurin", "25.0.1")
    assert find_java({"JAVA_HOME": str(tmp_path / "mine")}, tmp_path / "jvm") == mine


def test_an_old_java_home_does_not_hide_a_newer_java(tmp_path: Path) -> None:
    jdk(tmp_path / "mine", "17.0.15")
    newer = jdk(tmp_path / "jvm" / "temurin", "25")
    assert find_java({"JAVA_HOME": str(tmp_path / "mine")}, tmp_path / "jvm") == newer


def test_the_newest_of_the_installed_ones_is_taken(tmp_path: Path) -> None:
    jdk(tmp_path / "jvm" / "a", "21.0.1")
    newest = jdk(tmp_path / "jvm" / "b", "25.0.1")
    jdk(tmp_path / "jvm" / "c", "1.8.0_402")
    assert find_java({}, tmp_path / "jvm") == newest


def test_a_java_on_the_path_is_asked_for_its_version(tmp_path: Path) -> None:
    command = speaking_java(tmp_path / "bin", 'openjdk version "23.0.1" 2024-10-15')
    assert find_java({"PATH": str(tmp_path / "bin")}, tmp_path / "nothing") == command


def test_only_old_ones_are_said_plainly(tmp_path: Path) -> None:
    jdk(tmp_path / "jvm" / "a", "17.0.15")
    speaking_java(tmp_path / "bin", 'java version "1.8.0_402"')
    with pytest.raises(OperatorError) as raised:
        find_java({"PATH": str(tmp_path / "bin")}, tmp_path / "jvm")
    assert raised.value.code is FailureCode.PREREQUISITE_MISSING
    assert "Java 21 or newer (found: 17, 8)" in raised.value.message
    assert "docker compose up" in raised.value.message


def test_a_java_that_does_not_run_counts_for_nothing(tmp_path: Path) -> None:
    command = speaking_java(tmp_path / "bin", "no such thing")
    command.write_text("not a program")
    with pytest.raises(OperatorError):
        find_java({"PATH": str(tmp_path / "bin")}, tmp_path / "nothing")
