#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test of docs/protocol.md notices what it is there to notice."""

import unittest
from pathlib import Path

import protocol

TREE = Path(__file__).resolve().parents[2]
HEAD = "| paper | rule | function | test |\n|---|---|---|---|\n"


def said(function, test):
    return [text for _, text in protocol.complaints(TREE, f"{HEAD}| 5 | a rule | {function} | {test} |\n")]


class Protocol(unittest.TestCase):
    def test_what_is_there_is_taken(self):
        self.assertEqual(said("`replay_accept` in `replay.c`", "load: all; io/udp_errors: a_closed_port_is_told_and_reception_goes_on"), [])

    def test_what_is_not_there_is_named(self):
        self.assertTrue(said("`replay_refuse`", "load: all"))
        self.assertTrue(said("`reply.c`", "load: all"))
        self.assertTrue(said("`replay_accept`", "replay: no_such_test"))
        self.assertTrue(said("`replay_accept`", "reply: all"))
        self.assertTrue(said("`replay_accept`", ""))


if __name__ == "__main__":
    unittest.main()
