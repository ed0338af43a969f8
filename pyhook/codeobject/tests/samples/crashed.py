def cell_put_back(items):
    try:
        found = [item for item in items]
    except ValueError:
        found = []
    for item in found:
        last = lambda: item
        item += 1
    return last


async def listed_in_handler(items):
    try:
        return len(items)
    except TypeError:
        found = [item async for item in items]
        return found


async def pairs_listed(items, first):
    return first(items, {a + b async for a, b in items})
