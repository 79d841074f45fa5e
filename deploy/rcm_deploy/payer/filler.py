"""Fills an 835 file up to a size with sound, zero-paid sets of claims that other providers sent."""

CLAIMS_PER_SET = 1_000


def fill_up(body: bytes, size: int) -> bytes:
    """Return the 835 file with further ST sets before its GE, at least `size` bytes long.

    The sets repeat the payer and payee of the first set, pay nothing, and balance.
    """
    head, mark, tail = body.rpartition(b"~\nGE*")
    if not mark or b"\nBPR*" not in body or len(body) >= size:
        return body
    payment = _segment(body, b"BPR")
    trace = _segment(body, b"TRN").split(b"*")
    day = payment.split(b"*")[16]
    start, end = body.index(b"DTM*405"), body.index(b"~\nLX*") if b"~\nLX*" in body else body.index(b"~\nPLB")
    parties = body[start:end]
    counted, _, rest = tail.partition(b"*")
    sets = int(counted)
    parts = [head]
    written = len(body)
    while written < size:
        sets += 1
        text = _set(sets, trace, parties, day)
        parts.append(text)
        written += len(text)
    return b"".join([*parts, b"~\nGE*%d*" % sets, rest])


def _set(number: int, trace: list[bytes], parties: bytes, day: bytes) -> bytes:
    set_control = b"%04d" % number
    segments = [
        b"ST*835*" + set_control,
        b"BPR*H*0*C*NON" + b"*" * 12 + day,
        b"TRN*1*FILL%08d*" % number + trace[3],
        *parties.split(b"~\n"),
        b"LX*1",
    ]
    for at in range(CLAIMS_PER_SET):
        control = b"FILL%dX%d" % (number, at)
        segments += [
            b"CLP*%s*4*230*0**12*F%d%06d*11*1" % (control, number, at),
            b"NM1*QC*1*FILLER*PAT****MI*FILL%06d" % at,
            b"DTM*232*" + day,
            b"DTM*233*" + day,
            *_line(b"99213", b"150", control + b"L1", day),
            *_line(b"20610", b"80", control + b"L2", day),
        ]
    segments.append(b"SE*%d*" % (len(segments) + 1) + set_control)
    return b"~\n" + b"~\n".join(segments)


def _line(code: bytes, charge: bytes, control: bytes, day: bytes) -> list[bytes]:
    return [
        b"SVC*HC:" + code + b"*" + charge + b"*0**1",
        b"DTM*472*" + day,
        b"CAS*CO*29*" + charge,
        b"REF*6R*" + control,
    ]


def _segment(body: bytes, tag: bytes) -> bytes:
    start = body.index(b"\n" + tag + b"*") + 1
    return body[start : body.index(b"~", start)]
