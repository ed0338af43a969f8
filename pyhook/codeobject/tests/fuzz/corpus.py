def arithmetic(a, b=2, *rest, k=3):
    c = a + b * k
    c -= 1
    d = -c if c > 0 else ~c
    return (c, d, not a, a is b, a in (1, 2), rest)


def loops(items, limit=5):
    total = 0
    for i, item in enumerate(items):
        if i == 3:
            continue
        while total < limit:
            total += i + 1
        else:
            total -= 1
    return [x * 2 for x in items], {x: i for i, x in enumerate(items)}, {x for x in items}, total


def unpack(items, other=()):
    first, *middle, last = items
    (a, b), c = (first, last), middle
    return a, b, [*c, *other], {**{"a": a}, "b": b}, items[1:], items[0]


def closures(a, b=1):
    def inner(c):
        nonlocal b
        b += c
        return a + b

    return inner(a), inner(b), (lambda: b)(), [(lambda: x) for x in (a, b)]


def handled(a, b=0):
    try:
        c = a // b
    except (ZeroDivisionError, TypeError) as error:
        c = str(error)
    except ValueError:
        c = None
    else:
        c += 1
    finally:
        a = [a]
    return a, c


class Manager:
    def __enter__(self):
        return self

    def __exit__(self, *info):
        return True


def managed(a, b=0):
    with Manager() as m, Manager():
        c = m
        a // b
        return c
    return a


def strings(a, b=2):
    return f"{a!r:>5} {b}" + "%s" % b, a or b, a and b, "x".join(str(i) for i in (a, b))


def generate(a, b=1):
    for x in range(3):
        try:
            got = yield x
            b = got or b
        finally:
            a = x
    yield from (a, b)
    return b


async def waiting(a, b=0):
    async def inner(x):
        return x

    c = await inner(a)
    async with Async() as d:
        c = d
    return [x async for x in ticks(a)], c


class Async:
    async def __aenter__(self):
        return 1

    async def __aexit__(self, *info):
        return False


async def ticks(a, b=0):
    for x in (1, 2):
        yield x


def calls(a, b=1, **kw):
    sorted([b, b], key=abs, reverse=True)
    max(*[1, 2], **kw)
    return dict(a=a, **kw), print_none(a, b=b), "{}".format(a), [].append(a)


def print_none(a, b=None):
    assert b or not b, a
    del a
    return b


def unbound(a, b=0):
    if a:
        c = 1
    try:
        return c
    except UnboundLocalError:
        del b
        return None


def classes(a, b=0):
    class K:
        x: int = a

        def method(self):
            return __class__, self.x

    return K().method(), K.x


def globals_(a, b=0):
    global shared
    shared = a
    shared += 1 if a == 1 else 0
    return shared


def chained(a, b=2):
    return 0 < a <= b != 3, a if b else [a][0], (a, b) == (b, a), a is not None
