# SPDX-License-Identifier: MIT
"""What the figures should be, as ratios within one run; each is met, not met, or cannot be told."""

US = "wgproxy"
CORES = (2, 4, 8, 16)


class Figures:
    """Medians by figure, key and contestant; KeyError where one is missing."""

    def __init__(self, result):
        self.figures = result["figures"]

    def __call__(self, figure, key, name=US):
        return self.figures[figure]["by"][name][key]["median"]


def _against(figure, key, name):
    return lambda of: of(figure, key) / of(figure, key, name)


def _workers(kind):
    """The slower one of one worker and two, against none."""
    figure = f"workers-{kind}"
    return lambda of: min(of(figure, "mbit_s", f"{US}, 1 worker"),
                          of(figure, "mbit_s", f"{US}, 2 workers")) / of(figure, "mbit_s", f"{US}, 0 workers")


def _connects(of):
    if of("connects-minute", "errors") > 0:
        raise ValueError(f"{of('connects-minute', 'errors'):,.0f} errors")
    return of("connects-minute", "per_second") / of("connects-minute", "per_second", "wireproxy")


def _all():
    most, least = "at most", "at least"
    for kind in ("down", "up"):
        yield f"CPU s/GB, bulk {kind}: of wireproxy's", _against(kind, "cpu_s_per_gb", "wireproxy"), most, 0.25, "×"
        yield f"CPU s/GB, bulk {kind}: of the floor's", _against(kind, "cpu_s_per_gb", "floor"), most, 1.5, "×"
    for kind in ("down", "up"):
        yield f"goodput, bulk {kind}: of wireproxy's", _against(kind, "mbit_s", "wireproxy"), least, 3, "×"
        yield f"goodput, bulk {kind}: of the privileged way's", _against(kind, "mbit_s", "tun+microsocks"), least, 1, "×"
        yield f"goodput, bulk {kind}: of OpenVPN's", _against(kind, "mbit_s", "openvpn+microsocks"), least, 10, "×"
    for figure, how in (("one-new", "one at a time"), ("requests-new", "8 at a time")):
        for key in ("p50_us", "p99_us"):
            says = f"{key[:3]} of a request on a new connection, {how}"
            yield f"{says}: of wireproxy's", _against(figure, key, "wireproxy"), most, 1, "×"
            yield f"{says}: of the privileged way's", _against(figure, key, "tun+microsocks"), most, 1.15, "×"
    for key in ("p50_us", "p99_us"):
        yield f"{key[:3]} of a ping-pong beside bulk: of idle", \
            lambda of, key=key: of("ping-loaded", key) / of("ping", key), most, 2, "×"
    yield "connects per second for a minute without an error: of wireproxy's", _connects, least, 3, "×"
    yield "resident memory, idle", lambda of: of("memory-idle", "idle_kib") / 1024, most, 6, "MiB"
    yield "resident memory per idle connection", lambda of: of("memory-idle", "per_connection_b") / 1024, most, 3, "KiB"
    yield "resident memory with 10,000 idle: of wireproxy's", _against("memory-idle", "at_10k_kib", "wireproxy"), \
        most, 0.1, "×"
    yield "start to first proxied byte", lambda of: of("start", "ms"), most, 20, "ms"
    yield "cost per byte beside 10,000 idle connections: of alone", lambda of: of("crowd", "idle_ratio"), most, 1.1, "×"
    yield "cost per byte of 1,000 busy connections: of one's", lambda of: of("crowd", "busy_ratio"), most, 1.1, "×"
    yield "goodput beside clients that do not read: of alone", lambda of: of("stalled", "ratio"), least, 0.8, "×"
    yield "wake-ups in an idle minute", lambda of: of("idle", "wakeups"), most, 0, ""
    for kind in ("down", "up"):
        yield f"goodput, {kind}, with workers: of that without", _workers(kind), least, 1, "×"


def _limit(how, limit, unit):
    return f"{how} {limit:g}{'' if unit == '×' else ' '}{unit}".strip()


def judge(result):
    """[(what, limit, measured, verdict)], the measured as text."""
    of, rows = Figures(result), []
    for says, ratio, how, limit, unit in _all():
        try:
            got = ratio(of)
        except KeyError:
            rows.append((says, _limit(how, limit, unit), "-", "not measured"))
            continue
        except ValueError as error:
            rows.append((says, _limit(how, limit, unit), str(error), "not met"))
            continue
        met = got <= limit if how == "at most" else got >= limit
        shown = f"{got:,.0f}" if abs(got) >= 100 else f"{got:.3g}"
        rows.append((says, _limit(how, limit, unit), f"{shown}{'' if unit == '×' else ' '}{unit}".strip(),
                     "met" if met else "not met"))
    return rows


def on_paper(result):
    """What more cores would carry, from the measured shares, in Mbit/s: [(what, {cores: rate})]. A proxy whose busiest
    thread works b seconds for each GB carries at most 1/b GB/s however many cores there are, and with w seconds in all on n
    cores of its own at most n/w."""
    of, rows = Figures(result), []
    for kind in ("down", "up"):
        for name in (f"{US}, 0 workers", f"{US}, 1 worker", f"{US}, 2 workers"):
            try:
                busiest, total = (of(f"workers-{kind}", k, name) for k in ("busiest_s_per_gb", "cpu_s_per_gb"))
            except KeyError:
                continue
            rows.append((f"{name}, {kind}", {n: 8000 * min(1 / busiest, n / total) for n in CORES}))
    return rows
