"""The rows as one page that needs nothing else: no script, no network, no file beside it."""

from __future__ import annotations

from html import escape
from string import Template

from .table import HEADINGS, original_word, otls_word, summary, what
from .verdict import Row, Seen

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Attack lab: a man in the middle against the original design and otls</title>
<style>
:root {
  color-scheme: light dark;
  --ground: #ffffff; --text: #1b1f24; --faint: #4b5560; --line: #c5ccd3; --mark: #fff4c2;
  --link: #0b57a4; --bad: #9c1c1c; --good: #135c2f; --head: #eef1f4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --text: #e6e9ec; --faint: #b0b8c0; --line: #454d55; --mark: #3a3312;
    --link: #8cc2ff; --bad: #ffa3a3; --good: #8fdca9; --head: #20252a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header, main, nav, footer { max-width: 80rem; margin: 0 auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 1.5rem 0 .5rem; }
h2 { font-size: 1.15rem; margin: 1rem 0 .25rem; }
a { color: var(--link); }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { position: static; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem .9rem; list-style: none; margin: 0; padding: 0; }
nav a { display: inline-block; padding: .2rem 0; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 2rem; table-layout: fixed; }
caption { text-align: start; color: var(--faint); padding: 0 0 .5rem; }
th:first-child { width: 23%; } td + td, th + th + th { width: 44%; }
th, td { text-align: start; vertical-align: top; padding: .75rem; border: 1px solid var(--line);
  overflow-wrap: anywhere; }
thead th { background: var(--head); }
tbody th { font-weight: normal; }
tr:target > * { background: var(--mark); }
.name { font-weight: bold; }
p { margin: 0 0 .5rem; }
.fell { color: var(--bad); font-weight: bold; }
.held { color: var(--good); font-weight: bold; }
.error { color: var(--faint); }
.problem { border-inline-start: .25rem solid var(--bad); padding-inline-start: .5rem; }
code { font-family: ui-monospace, monospace; font-size: .95em; }
@media screen and (max-width: 50rem) {
  table, tbody, tr, th, td, caption, th:first-child, td + td { display: block; width: auto; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { border: 1px solid var(--line); margin: 0 0 1rem; }
  tbody th, tbody td { border: 0; }
  td::before { content: attr(data-heading); display: block; font-weight: bold; }
}
@media print {
  :root { color-scheme: light; --ground: #fff; --text: #000; --faint: #333; --line: #888; --link: #000;
    --bad: #000; --good: #000; --head: #fff; --mark: #fff; }
  nav, .skip { display: none; }
  tr { break-inside: avoid; }
  body { font-size: 9pt; }
}
</style>
</head>
<body>
<a class="skip" href="#rows">Skip to the attacks</a>
<header>
<h1>Attack lab</h1>
<p>A man in the middle between a bank and its customer attacks two designs: a model of the original, which is
broken on purpose, and otls. Each row was run when this page was made, over real sockets; what it says is what
was observed.</p>
$summary
</header>
<nav aria-labelledby="list">
<h2 id="list">Attacks</h2>
<ul>
$links
</ul>
</nav>
<main id="rows" tabindex="-1">
<table role="table">
<caption>What each attack did to the original and to otls, and which check held</caption>
<thead role="rowgroup"><tr role="row">$headings</tr></thead>
<tbody role="rowgroup">
$rows
</tbody>
</table>
</main>
<footer><p>Made by <code>python examples/attack_lab --html</code>.</p></footer>
</body>
</html>
""")

ROW = Template("""<tr role="row" id="$id">
<th role="rowheader" scope="row"><p class="name"><a href="#$id">$id</a></p><p>$title</p>$problems</th>
<td role="cell" data-heading="$original_heading">$original</td>
<td role="cell" data-heading="$otls_heading">$otls
<p>$lesson</p></td>
</tr>""")


def as_html(rows: list[Row]) -> str:
    """The whole page."""
    heads = [f'<th role="columnheader" scope="col">{escape(text)}</th>' for text in _headings()]
    links = [f'<li><a href="#{escape(row.attack.id)}">{escape(row.attack.id)}</a></li>' for row in rows]
    return PAGE.substitute(
        summary="\n".join(f"<p>{escape(line)}</p>" for line in summary(rows)),
        links="\n".join(links),
        headings="".join(heads),
        rows="\n".join(map(_row, rows)),
    )


def _headings() -> tuple[str, ...]:
    return HEADINGS[0].capitalize(), HEADINGS[1].capitalize(), f"{HEADINGS[2]}, and which check"


def _row(row: Row) -> str:
    _, original, otls = _headings()
    problems = "".join(f'<p class="problem">Not as it should be: {escape(text)}</p>' for text in row.problems)
    if row.skipped:
        cells = ("<p>Not run.</p>", f"<p>Not run: {escape(row.skipped)}</p>")
    else:
        cells = (_seen(original_word(row), row.original), _seen(otls_word(row), row.otls) + _check(row))
    return ROW.substitute(
        id=escape(row.attack.id),
        title=escape(row.attack.title),
        problems=problems,
        original_heading=escape(original),
        otls_heading=escape(otls),
        original=cells[0],
        otls=cells[1],
        lesson=escape(row.attack.lesson),
    )


def _seen(word: str, seen: Seen | None) -> str:
    kind = "fell" if word.startswith("FELL") else "held"
    said = f'<span class="{kind}">{escape(word.strip().capitalize())}</span> ' if word else ""
    return f"<p>{said}{escape(what(seen))}</p>"


def _check(row: Row) -> str:
    if not row.otls or not row.otls.check:
        return ""
    rule = escape(f"{row.attack.rule} ({row.attack.source})")
    text = f"<p><code>{escape(row.otls.check)}</code>: {rule}.</p>"
    if row.otls.error:
        text += f'<p class="error">The error: “{escape(row.otls.error)}”</p>'
    return text
