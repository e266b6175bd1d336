#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bench judges by what it measured: its arithmetic, apart from any measuring."""

import unittest
import xml.dom.minidom

from measure import instructions, plot, report, rounds, targets

CALLGRIND = """\
ob=(1) /build/tests/bench/bench-trace
fl=(1) /build/src/wg/send.c
fn=(1) seal
10 5
+1 7
fi=(2) /usr/lib/gcc/include/avx2intrin.h
12 100
fe=(1)
cob=(2) /usr/lib/libsodium.so.23
cfi=(3) ???
cfn=(2) crypto
calls=1 0
13 9000
14
ob=(2)
fl=(3)
fn=(2)
0 9000
ob=(3) /usr/lib/libc.so.6
fl=(4) malloc.c
fn=(3) malloc
* 40
ob=(1)
fl=(5) /build/tests/bench/trace.c
fn=(4) step
1 3
fl=(6) /build/third_party/cache/lwip-1/src/core/tcp_in.c
fn=(5) tcp_input
1 11
"""


def _figure(**by):
    return {"says": "a figure", "units": {"mbit_s": "Mbit/s", "cpu_s_per_gb": "CPU s/GB"},
            "by": {name: {key: {"median": v, "min": v, "max": v, "n": 1} for key, v in keys.items()}
                   for name, keys in by.items()}}


def _result(**figures):
    return {"figures": figures, "missing": {"other": "a reason"}, "remarks": []}


class Instructions(unittest.TestCase):
    def test_a_line_counts_once_and_where_it_was_written(self):
        parts = instructions.Profile(CALLGRIND.splitlines(keepends=True)).parts
        self.assertEqual(parts, {"wg": 112, "AEAD": 9000, "libc": 40, "world": 3, "lwIP": 11})


class Targets(unittest.TestCase):
    def verdicts(self, result):
        return {says: (measured, verdict) for says, _, measured, verdict in targets.judge(result)}

    def test_a_ratio_is_judged_from_its_own_side(self):
        said = self.verdicts(_result(down=_figure(
            wgproxy={"cpu_s_per_gb": 1.0, "mbit_s": 2999}, wireproxy={"cpu_s_per_gb": 4.0, "mbit_s": 1000},
            floor={"cpu_s_per_gb": 0.5})))
        self.assertEqual(said["CPU s/GB, bulk down: of wireproxy's"], ("0.25×", "met"))
        self.assertEqual(said["CPU s/GB, bulk down: of the floor's"], ("2×", "not met"))
        self.assertEqual(said["goodput, bulk down: of wireproxy's"], ("3×", "not met"))

    def test_what_was_not_measured_is_neither_met_nor_not(self):
        self.assertEqual({v for _, v in self.verdicts(_result()).values()}, {"not measured"})

    def test_an_error_fails_whatever_the_rate(self):
        figure = _figure(wgproxy={"per_second": 9e9, "errors": 1}, wireproxy={"per_second": 1, "errors": 0})
        said = self.verdicts(_result(**{"connects-minute": figure}))
        self.assertEqual(said["connects per second for a minute without an error: of wireproxy's"], ("1 errors", "not met"))

    def test_more_cores_help_up_to_the_busiest_thread(self):
        figure = _figure(**{"wgproxy, 0 workers": {"busiest_s_per_gb": 2.0, "cpu_s_per_gb": 2.0},
                            "wgproxy, 1 worker": {"busiest_s_per_gb": 1.0, "cpu_s_per_gb": 4.0}})
        rows = dict(targets.on_paper(_result(**{"workers-down": figure})))
        self.assertEqual(rows["wgproxy, 0 workers, down"], {2: 4000, 4: 4000, 8: 4000, 16: 4000})
        self.assertEqual(rows["wgproxy, 1 worker, down"], {2: 4000, 4: 8000, 8: 8000, 16: 8000})


class Report(unittest.TestCase):
    def test_rounds_become_a_median_and_its_spread(self):
        self.assertEqual(rounds._settle([{"a": 3}, {"a": 1, "b": 7}, {"a": 2}]),
                         {"a": {"median": 2, "min": 1, "max": 3, "n": 3}, "b": {"median": 7, "min": 7, "max": 7, "n": 1}})

    def test_who_is_missing_is_named(self):
        said = report.table(_result(down=_figure(wgproxy={"mbit_s": 1234.0})))
        self.assertIn("1,234", said)
        self.assertIn("missing: other: a reason", said)

    def test_a_plot_is_xml_and_names_everybody(self):
        figure = _figure(wgproxy={"mbit_s": 5000.0}, **{"a<b": {"mbit_s": 1.0}})
        svg = plot.draw(_result(down=figure), "Goodput", "Mbit/s", (("down", "mbit_s", "down"), ("up", "mbit_s", "up")), False)
        texts = [t.firstChild.data for t in xml.dom.minidom.parseString(svg).getElementsByTagName("text")]
        self.assertTrue({"wgproxy", "a<b", "5,000", "1", "none"} <= set(texts))

    def test_one_far_beyond_all_others_does_not_make_dots_of_them(self):
        figure = _figure(wgproxy={"s": 1.0}, other={"s": 2.0}, beyond={"s": 2000.0})
        svg = plot.draw(_result(down=figure), "CPU", "s", (("down", "s", "down"),), True)
        widths = [float(r.getAttribute("width")) for r in xml.dom.minidom.parseString(svg).getElementsByTagName("rect")
                  if r.getAttribute("height") == str(plot.BAR)]
        room = plot.WIDTH - plot.NAMES - plot.VALUES
        self.assertEqual(widths, [room / 2, room, room])
        self.assertIn("2,000", svg)


if __name__ == "__main__":
    unittest.main()
