"""Reads an .ais trace and prints as JSON what is in it: python read_ais.py trace.ais

Written from format/SPEC.md alone, to show that nothing else is needed. Needs the packages `msgpack` and `zstandard`.
"""
import collections, json, struct, sys, zlib

import msgpack, zstandard

MAGIC = struct.pack("<I", 0x184D2A5A)
CHUNK_FIELDS = ("sequence first_tick last_tick clock_tick clock_ns dropped generation flags events "
                "raw_len compressed_len compressed_crc writer").split()
MAX_RAW_LEN, MAX_ROWS = 16 << 20, 1 << 20
# The columns that are used here. Kinds and columns that are not listed are stepped over.
KINDS = {1: ("text", ["id", "text"]), 5: ("thread", ["id", "name"]),
         16: ("batch", ["thread", "first", "dropped", "events"]), 17: ("order", ["kind", "tick"]),
         32: ("task_new", ["task", "parent", "name", "location", "size", "flags", "executor"]),
         33: ("poll_begin", ["task", "poll"])}
EVENT_NAMES = {number: name for name, number in (
    pair.split("=") for pair in
    "task_new=32 poll_begin=33 poll_end=34 task_drop=35 wake=36 future_new=40 future_begin=41 await_enter=42 await_leave=43 "
    "future_end=44 resource_new=50 resource_drop=51 operation_begin=52 operation_poll=53 operation_fired=54 operation_end=55 "
    "acquire=56 release=57 send=58 send_failed=59 receive=60 close=61 handle_new=62 handle_drop=63 task_abort=37 yield=38 foreign=39 "
    "hold_split=64 hold_merge=65 forget=66 add=67 notify=68 arrive=69 member_new=70 member_gone=71 escape=72 section_begin=73 "
    "section_end=74 timer_set=75 lag=76 wakers_gone=77 in_poll=78 done_by=79 resource_state=80".split())}


def header_at(data, at):
    """Tag, content and length of the header at `at`; None where no whole one stands."""
    if data[at:at + 4] != MAGIC or len(data) < at + 20:
        return None
    length, = struct.unpack_from("<I", data, at + 4)
    if not 12 <= length <= 65536 or len(data) < at + 8 + length:
        return None
    checked, (crc,) = data[at + 8:at + 4 + length], struct.unpack_from("<I", data, at + 4 + length)
    return (checked[:8], checked[8:], 8 + length) if zlib.crc32(checked) == crc else None


def chunks(data, problems):
    """Every chunk's header and content; what is damaged is stepped over and told in `problems`."""
    at = 0
    while at < len(data):
        found = header_at(data, at)
        if found is None:
            problems.append(f"byte {at}: no header, or a damaged one")
            at = data.find(MAGIC, at + 1)
            while at >= 0 and data[at + 8:at + 16] != b"AISCHUNK":
                at = data.find(MAGIC, at + 1)
            if at < 0:
                return
            continue
        tag, body, length = found
        at += length
        if tag != b"AISCHUNK":
            continue
        chunk = dict(zip(CHUNK_FIELDS, struct.unpack_from("<6Q7I", body)))
        frame = data[at:at + chunk["compressed_len"]]
        at += chunk["compressed_len"]
        if not frame:
            yield chunk, b""
        elif zlib.crc32(frame) != chunk["compressed_crc"] or chunk["raw_len"] > MAX_RAW_LEN:
            problems.append(f"chunk {chunk['sequence']}: wrong checksum or size")
        else:
            yield chunk, zstandard.ZstdDecompressor().decompress(frame, max_output_size=chunk["raw_len"])


def column(encoding, values, rows, first):
    if encoding in (1, 4):  # delta, keyed
        last, absolute = collections.Counter(), []
        for key, value in zip(first if encoding == 4 else [0] * rows, values, strict=True):
            last[key % 1024] = (last[key % 1024] + value) % 2**64
            absolute.append(last[key % 1024])
        values = absolute
    elif encoding == 2:  # constant
        values = values * rows
    assert len(values) == rows, "a column has another number of rows than its table"
    return values


def tables(content):
    """Every known table of a chunk: the name of its kind, and its columns by name."""
    unpacker = msgpack.Unpacker(max_buffer_size=MAX_RAW_LEN)
    unpacker.feed(content)
    left = MAX_ROWS
    for kind, rows, encodings in unpacker:
        left -= rows
        assert left >= 0, "too many rows"
        name, columns = KINDS.get(kind, (None, []))
        table = {}
        for index, encoding in enumerate(encodings[::2]):
            if index < len(columns):
                table[columns[index]] = column(encoding, unpacker.unpack(), rows, table.get(columns[0]))
            else:
                unpacker.skip()
        if name:
            yield name, table


def main(path):
    data, problems = open(path, "rb").read(), []
    tag, body, _ = header_at(data, 0) or sys.exit(f"{path}: not an .ais trace")
    major, minor = struct.unpack_from("<HH", body)
    if tag != b"AISTRACE" or major != 1:
        sys.exit(f"{path}: not an .ais trace of version 1.x")
    texts, names, counts, threads, polls, dropped, claimed, ended = {}, {}, collections.Counter(), {}, {}, 0, 0, False
    for chunk, content in chunks(data, problems):
        dropped, ended, claimed = chunk["dropped"], bool(chunk["flags"] & 1), claimed + chunk["events"]
        for name, table in tables(content):
            if name == "text":
                texts.update(zip(table["id"], table["text"]))
            elif name == "thread":
                threads.update(zip(table["id"], table["name"]))
            elif name == "order":
                counts.update(table["kind"])
            elif name == "task_new":
                names.update(zip(table["task"], table["name"]))
            elif name == "poll_begin":
                for task, poll in zip(table["task"], table["poll"]):
                    polls[task] = max(poll, polls.get(task, 0))
    assert claimed == sum(counts.values()), "chunk headers tell another number of events"
    json.dump({"version": f"{major}.{minor}", "header": msgpack.unpackb(body[4:]), "problems": problems, "ended": ended,
               "events": claimed, "dropped": dropped,
               "kinds": {EVENT_NAMES.get(str(kind), str(kind)): count for kind, count in sorted(counts.items())},
               "threads": sorted(texts.get(name, "") for name in threads.values()),
               "tasks": [texts.get(name, f"#{name}") for _, name in sorted(names.items())],
               "polls": [count for _, count in sorted(polls.items())]}, sys.stdout, indent=1)


main(sys.argv[1])
