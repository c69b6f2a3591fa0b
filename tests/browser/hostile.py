"""Text that runs something wherever it is taken for more than text."""

from typing import Any, Final

from playwright.sync_api import Page
from tests.browser.pages import Complaints

MARKUP: Final = (
    "<script>window.hacked=1</script>",
    '<img src=x onerror="window.hacked=1">',
    "<svg/onload=window.hacked=1>",
    "</script></title><script>window.hacked=1</script>",
    '"><b onmouseover=window.hacked=1>x</b>',
    "' autofocus onfocus='window.hacked=1",
    "javascript:window.hacked=1",
    "[x](javascript:window.hacked=1)",
    '<a href="javascript:window.hacked=1">x</a>',
    "{{constructor.constructor('window.hacked=1')()}}",
    "${window.hacked=1}",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
)
"""Would set `window.hacked`: as HTML, a link, Markdown, a template."""
ODD: Final = (
    '=cmd|"/C calc"!A0',
    "@SUM(1+1)",
    "a\r\nSet-Cookie: hacked=1",
    "\u202egpj.exe",
    "nul\0byte",
    "__proto__",
    "%3Cscript%3E",
    "\ud7ff\U0001f4b3 Łódź 東京",
)
"""Does harm in spreadsheets, logs, headers, databases, or to who reads it."""

_FOREIGN: Final = """() => {
  const found = [];
  for (const each of document.querySelectorAll("#content *")) {
    if (["IMG", "SCRIPT", "IFRAME", "OBJECT", "EMBED"].includes(each.tagName)) {
      found.push(each.outerHTML.slice(0, 200));
    }
    for (const attribute of each.attributes) {
      const isLink = /(^|:)(href|src|action)$/i.test(attribute.name);
      if (/^on/i.test(attribute.name) || (isLink && /^\\s*javascript:/i.test(attribute.value))) {
        found.push(`${each.tagName} ${attribute.name}=${attribute.value}`);
      }
    }
  }
  return found;
}"""


def assert_harmless(page: Page, complaints: Complaints) -> None:
    """Check that nothing ran, and that nothing stands ready to run."""
    assert page.evaluate("window.hacked") is None
    foreign: list[Any] = page.evaluate(_FOREIGN)
    assert foreign == []
    assert complaints.said == []
