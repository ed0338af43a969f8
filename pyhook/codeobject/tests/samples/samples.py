def plain(a, b=1):
    c = a + b
    return c


def branch(a, b):
    if a < b:
        return "less"
    return "more"


def loop(items, limit):
    total = 0
    for item in items:
        while total < limit:
            total = max(total, item)
    return total


def attribute(a):
    return a.real.imag


def unbound(a):
    if a:
        b = 1
    return b


def outer(a):
    def inner():
        return a

    return inner


def generator(items):
    for item in items:
        yield item


async def coroutine(a):
    async with a as b:
        return await b


def guarded(a):
    try:
        return int(a)
    except ValueError:
        return None
    finally:
        print(a)


def reassign(a, b):
    c = [a, b]
    a = c
    return a


def long_jump(a):
    while a:
        LONG
    return a


def constant(a):
    return a + 12345.5
