"""The page in a browser without a network: with and without its script, on a screen, in the dark and on paper."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from examples import large
from result_lines import cell, header, ok, worker, write
from test_page import EVIL, SECTIONS, many_kernels, page_of

pytest.importorskip("vl_convert", reason="the page needs vl-convert-python: pip install 'launchbench[report]'")
playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'launchbench[test]'")

CHROMIUM = next((path for path in map(Path, ("/usr/bin/chromium", "/usr/bin/chromium-browser")) if path.exists()), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """A page that was opened, and everything that a browser had to say about it."""

    def __init__(self, browser: Any, file: Path, **settings: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
        self.context.set_offline(True)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())

    def visible(self, selector: str) -> int:
        return sum(one.is_visible() for one in self.page.locator(selector).all())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "page.html").write_text(page_of(large(folder)))
    return folder / "page.html"


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Opened]:
    found = Opened(browser, file)
    yield found
    found.context.close()


def test_nothing_is_asked_of_a_network_and_nothing_is_complained_of(opened: Opened, file: Path) -> None:
    assert opened.requests == [file.as_uri()]
    assert opened.said == []
    for name in SECTIONS:
        assert opened.page.locator(f"#s0-{name}").is_visible()


def test_the_policy_refuses_a_script_that_is_not_the_pages(opened: Opened) -> None:
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.evil = 1'}))"
    )

    assert opened.page.evaluate("window.evil") is None
    assert "Content Security Policy" in opened.said[0]


def test_a_legend_hides_a_series_everywhere_and_shows_it_again(opened: Opened) -> None:
    def marks(series: int) -> int:
        return opened.visible(f".wide [data-series='{series}'][data-tip], .success tr[data-series='{series}']")

    before, others = marks(0), marks(1)
    button = opened.page.locator("#s0-latency .legend button").first
    button.click()

    assert before > 0
    assert (marks(0), marks(1)) == (0, others)
    assert opened.page.locator("#s0-tails .legend button").first.get_attribute("aria-pressed") == "false"

    opened.page.locator("#s0-tails .legend .everything").click()

    assert marks(0) == before
    assert button.get_attribute("aria-pressed") == "true"


def column(opened: Opened, table: str, at: int) -> list[float]:
    fields = opened.page.locator(f"{table} tbody tr").evaluate_all(
        "(rows, at) => rows.map(row => row.cells[at].dataset.value ?? null)", at
    )
    return [float(value) for value in fields if value is not None]


def test_a_click_on_a_title_sorts_by_the_number_and_not_by_its_text(opened: Opened) -> None:
    titles = opened.page.locator("#data thead th").all_inner_texts()
    at = titles.index("total")
    title = opened.page.locator("#data thead th").nth(at)

    title.locator("button").click()
    up = column(opened, "#data", at)
    said = title.get_attribute("aria-sort")
    title.locator("button").click()

    assert said == "ascending"
    assert up == sorted(up)
    assert up[-1] / up[0] > 1000  # from microseconds to milliseconds: as text, they would be in another order
    assert column(opened, "#data", at) == up[::-1]
    last = opened.page.locator("#data tbody tr").last.locator("td").nth(at - 1).inner_text()
    assert last == "–"  # noqa: RUF001 - what has no time is last both ways


def test_sorting_works_with_the_keyboard(opened: Opened) -> None:
    button = opened.page.locator("#data thead th button").first
    button.focus()
    opened.page.keyboard.press("Enter")

    names = opened.page.locator("#data tbody th").all_inner_texts()

    assert names == sorted(names)


def test_a_mark_says_what_it_is_to_pointer_and_keyboard(opened: Opened) -> None:
    opened.page.locator("#s0-latency .wide [data-tip]").nth(2).hover(force=True)
    pointed = opened.page.locator("#tip").inner_text()
    opened.page.locator("#s0-latency figure").focus()
    opened.page.keyboard.press("ArrowRight")
    keyed = opened.page.locator("#tip").inner_text()
    opened.page.keyboard.press("Escape")

    assert "720 of 720 ok; total p50" in pointed
    assert "total p50" in keyed
    assert not opened.page.locator("#tip").is_visible()


def test_the_footprint_of_the_ranking_is_chosen_without_a_script(browser: Any, file: Path) -> None:
    opened = Opened(browser, file, java_script_enabled=False)

    shown = opened.page.locator("#s0-ranking .choice").first.is_visible()
    opened.page.locator("#s0-ranking label", has_text="1 MiB").click()

    assert shown
    assert [one.is_visible() for one in opened.page.locator("#s0-ranking .choice").all()] == [False, False, True]
    opened.context.close()


def test_without_a_script_verdict_tables_and_figures_are_there(browser: Any, file: Path) -> None:
    opened = Opened(browser, file, java_script_enabled=False)

    assert opened.said == []
    assert "Use vfork_exec" in opened.page.locator("#s0-verdict").inner_text()
    assert opened.visible("#s0-success table") == 2
    assert opened.visible("#s0-latency .wide svg") == opened.visible("#s0-tails .wide svg") == 1
    assert opened.visible("#data table") == 1
    assert opened.count(".legend li svg") > 0
    opened.context.close()


def test_the_data_come_down_as_files(opened: Opened) -> None:
    with opened.page.expect_download() as download:
        opened.page.locator(".downloads a").first.click()

    assert download.value.suggested_filename == "big-parent.json"


@pytest.mark.parametrize(("width", "shown", "hidden"), [(1280, ".wide", ".narrow"), (400, ".narrow", ".wide")])
def test_it_fits_wide_and_narrow_pages(browser: Any, file: Path, width: int, shown: str, hidden: str) -> None:
    opened = Opened(browser, file, viewport={"width": width, "height": 900})

    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.visible(f"#s0-latency {shown}") == 1
    assert opened.visible(f"#s0-latency {hidden}") == 0
    opened.context.close()


@pytest.mark.parametrize("medium", ["screen", "print"])
def test_an_error_in_a_table_of_many_kernels_is_broken_between_words(
    browser: Any, tmp_path: Path, medium: Literal["screen", "print"]
) -> None:
    (tmp_path / "page.html").write_text(page_of(many_kernels(tmp_path, "fork_exec", "vfork_exec")))
    found = Opened(browser, tmp_path / "page.html")
    found.page.emulate_media(media=medium)

    broken = found.page.evaluate(
        """() => Array.from(document.querySelectorAll("#s0-success td.outcome")).flatMap((field) =>
          Array.from(field.childNodes).filter((node) => node.nodeType === Node.TEXT_NODE).flatMap((node) =>
            Array.from(node.data.matchAll(/[^\\s]+/g)).map((word) => {
              const range = document.createRange();
              range.setStart(node, word.index);
              range.setEnd(node, word.index + word[0].length);
              return [word[0], range.getClientRects().length];
            })))"""
    )

    found.context.close()
    assert [word for word, _ in broken[:4]] == ["0/30", "lost", "ECHILD", "0/30"]
    assert len(broken) == 3 * 2 * 11
    assert {lines for _, lines in broken} == {1}


@pytest.mark.parametrize("width", [1280, 400])
def test_labels_of_lines_that_lie_on_each_other_do_not_touch(browser: Any, file: Path, width: int) -> None:
    opened = Opened(browser, file, viewport={"width": width, "height": 900})
    kind = ".wide" if width > 720 else ".narrow"

    boxes = opened.page.locator(f"#s0-latency {kind} text[data-series]").evaluate_all(
        "all => all.map(one => { const box = one.getBoundingClientRect();"
        " return [box.left, box.top, box.right, box.bottom, one.textContent]; })"
    )

    assert {"vfork_exec", "posix_spawn", "prefork_pipe", "prefork_seqpacket"} <= {box[4] for box in boxes}
    for at, one in enumerate(boxes):
        assert one[0] >= 0
        assert one[2] <= width
        for other in boxes[at + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] - 3 <= other[1] or other[3] - 3 <= one[1]
            assert apart, (one, other)
    opened.context.close()


COLOURS_OF_TEXT = """() => [...document.querySelectorAll("p, dd, dt, a, th, td, li, caption, h1, h2, text")].map(
    (one) => {
        const background = (element) => getComputedStyle(element).backgroundColor;
        const style = getComputedStyle(one);
        let behind = one;
        while (behind && background(behind) === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
        const name = `${one.tagName}.${one.getAttribute("class")}`;
        return [one instanceof SVGElement ? style.fill : style.color, behind ? background(behind) : null, name];
    }
)"""


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two CSS colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        channels = [int(value) / 255 for value in colour.removeprefix("rgb(").removesuffix(")").split(", ")[:3]]
        linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read_in_both_themes(browser: Any, file: Path, theme: str) -> None:
    opened = Opened(browser, file, color_scheme=theme)
    background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")

    colours = opened.page.evaluate(COLOURS_OF_TEXT)

    assert contrast(background, "rgb(255, 255, 255)") > 15 if theme == "dark" else background == "rgb(255, 255, 255)"
    assert len(colours) > 100
    for colour, behind, name in colours:
        assert contrast(colour, behind or background) >= 4.5, (name, colour, behind)
    opened.context.close()


def test_paper_has_everything_and_no_dark_page(browser: Any, file: Path) -> None:
    opened = Opened(browser, file, color_scheme="dark")
    opened.page.emulate_media(media="print")
    opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.visible("details:not([open])") == 0
    assert opened.visible("#s0-ranking .choice") == 3
    assert opened.visible("nav") == 0
    assert opened.page.pdf().startswith(b"%PDF")
    opened.context.close()


def test_markup_in_a_result_file_is_not_run(browser: Any, tmp_path: Path) -> None:
    one = cell(EVIL)
    scenario = header([])["scenario"] | {"name": EVIL, "question": "<img src=x onerror=alert(1)>"}
    path = write(
        tmp_path / "r.jsonl", header([one], scenario=scenario), worker(one, [ok(1000 + at) for at in range(40)])
    )
    (tmp_path / "page.html").write_text(page_of(path))

    opened = Opened(browser, tmp_path / "page.html")

    assert opened.said == []
    assert opened.page.locator("h1").inner_text() == EVIL
    assert opened.count("img") == 0
    opened.context.close()
