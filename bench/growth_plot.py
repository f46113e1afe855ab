"""Draws cost against the number of combinations, both axes logarithmic, as one SVG."""

import math

WIDTH, HEIGHT = 430, 270
LEFT, RIGHT, TOP, BOTTOM = 58, 20, 30, 40
COLOURS = ["#3b6fb5", "#b3541e", "#1b6e3c", "#7a3b9c"]


class Axes:
    """From combinations and cost to places in a panel."""

    def __init__(self, series):
        xs = [x for line in series.values() for x, _ in line]
        ys = [y for line in series.values() for _, y in line]
        self.decades = (math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys))))
        if self.decades[0] == self.decades[1]:
            self.decades = (self.decades[0], self.decades[1] + 1)
        self.first, self.last = math.log10(min(xs)), math.log10(max(xs))

    def x(self, value):
        share = (math.log10(value) - self.first) / (self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        share = (math.log10(value) - self.decades[0]) / (self.decades[1] - self.decades[0])
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def text(x, y, words, anchor="middle", **attributes):
    extra = "".join(f' {key.rstrip("_")}="{value}"' for key, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{words}</text>'


def grid(axes, sizes):
    for decade in range(axes.decades[0], axes.decades[1] + 1):
        y = axes.y(10 ** decade)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield text(LEFT - 6, y + 4, f"{10 ** decade:g}", "end")
    right = 0  # where the last label ends
    for size in sizes:
        x, half = axes.x(size), 4 * len(f"{size:,}")
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
        if x - half > right:
            yield text(x, HEIGHT - BOTTOM + 16, f"{size:,}")
            right = x + half
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "combinations")


def linear(axes, line):
    """What strictly linear growth from the largest size down would look like."""
    (x, y) = line[-1]
    start = max(10 ** axes.first, x * 10 ** axes.decades[0] / y)
    return (f'<path class="linear" d="M{axes.x(start):.1f} {axes.y(y * start / x):.1f}'
            f'L{axes.x(x):.1f} {axes.y(y):.1f}"/>')


def panel(title, series, place):
    axes = Axes(series)
    sizes = [x for x, _ in next(iter(series.values()))]
    parts = [text(LEFT, 16, title, "start", class_="title"), *grid(axes, sizes)]
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number]
        parts.append(linear(axes, line))
        points = " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{points}" stroke="{colour}"/>')
        parts += [f'<circle cx="{axes.x(x):.1f}" cy="{axes.y(y):.1f}" r="2.5" fill="{colour}"/>'
                  for x, y in line]
        parts.append(text(LEFT + 8, TOP + 14 + 15 * number, name, "start", fill=colour))
    return f'<g transform="translate({place[0]} {place[1]})">{"".join(parts)}</g>'


STYLE = ("text{font:11px sans-serif}.title{font-weight:bold}.grid{stroke:#ddd;fill:none}"
         ".linear{stroke:#999;stroke-dasharray:2 4;fill:none}polyline{fill:none;stroke-width:1.8}")


def draw(panels):
    """`panels`: {title: {name: [(combinations, cost)]}}, up to two in a row."""
    rows = (len(panels) + 1) // 2
    body = "".join(panel(title, series, (number % 2 * WIDTH, number // 2 * HEIGHT))
                   for number, (title, series) in enumerate(panels.items()))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT}" '
            f'width="{2 * WIDTH}" height="{rows * HEIGHT}"><style>{STYLE}</style>'
            f'<rect width="100%" height="100%" fill="#fff"/>{body}</svg>\n')
