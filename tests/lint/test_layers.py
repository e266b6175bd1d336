#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The layer test notices what it is there to notice."""

import unittest

import layers

SPDX = "/* SPDX-License-Identifier: MIT */\n"


class Layers(unittest.TestCase):
    def said(self, name, body, head=SPDX):
        return [text for _, text in layers.complaints(name, head + body)]

    def test_a_module_may_use_what_the_table_allows(self):
        self.assertEqual(self.said("wg/wg.c", '#include "wg/wg.h"\n#include "base/err.h"\n'), [])
        self.assertEqual(self.said("proxy/dial.c", '#include "stack/stack_tcp.h"\n'), [])
        self.assertEqual(self.said("app/tunnel.c", '#include "stack/gate.h"\n'), [])

    def test_a_lower_layer_does_not_reach_up(self):
        self.assertTrue(self.said("wg/wg.c", '#include "stack/stack.h"\n'))
        self.assertTrue(self.said("app/app.c", '#include "io/io.h"\n'))
        self.assertTrue(self.said("proxy/dial.c", '#include "stack/conn.h"\n'))
        self.assertTrue(self.said("base/err.c", '# include  "wg/wg.h"\n'))

    def test_foreign_headers_stay_in_their_module(self):
        self.assertTrue(self.said("app/app.c", "#include <uv.h>\n"))
        self.assertTrue(self.said("proxy/relay.c", '#include "lwip/tcp.h"\n'))
        self.assertTrue(self.said("wg/noise.c", "#include <sodium.h>\n"))
        self.assertTrue(self.said("wg/send.c", "#include <sys/socket.h>\n"))
        self.assertTrue(self.said("io/listener.c", "#include <openssl/ssl.h>\n"))
        self.assertEqual(self.said("io/loop.c", "#include <uv.h>\n"), [])
        self.assertEqual(self.said("wg/suite.c", "#include <sodium.h>\n"), [])

    def test_nothing_below_io_reads_a_clock_or_entropy(self):
        self.assertTrue(self.said("wg/timers.c", "x = time(NULL);\n"))
        self.assertTrue(self.said("dns/wire.c", "id = rand ();\n"))
        self.assertTrue(self.said("wg/suite.c", "randombytes_buf(p, n);\n"))
        self.assertEqual(self.said("wg/timers.c", "next_time(now); s.time = 1;\n"), [])
        self.assertEqual(self.said("wg/timers.c", '/* not time(NULL) */ f("time()");\n'), [])
        self.assertEqual(self.said("io/clock.c", "clock_gettime(id, &t);\n"), [])

    def test_size_and_licence(self):
        self.assertTrue(self.said("wg/wg.c", "", head="/* no licence */\n"))
        self.assertTrue(self.said("wg/wg.c", "\n" * 500))
        self.assertEqual(self.said("wg/wg.c", "\n" * 499), [])


if __name__ == "__main__":
    unittest.main()
