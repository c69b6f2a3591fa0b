// The page of detectors: what is chosen stands in its address; shares in its table; copying.
(function () {
  "use strict";

  const NAMES = ["period", "config", "compare", "from", "to", "edit"];
  const USUAL = { period: "24h" }; // where the address names none
  const none = () => window.dash_clientside.no_update;

  function copied(words) {
    window.dash_clientside.set_props("form-copied", { children: words });
  }

  // For pages without TLS, of which browsers keep their clipboard.
  function choose(element) {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    copied(document.execCommand("copy") ? "Copied." : "It is selected: press Ctrl+C.");
  }

  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.cardwatch = Object.assign(dash.cardwatch || {}, {
    detectorsAddress: (...values) => {
      const chosen = Object.fromEntries(NAMES.map((name, index) => [name, values[index]]));
      window.cardwatchAddress(chosen, USUAL);
      return none();
    },
    copyYaml: () => {
      const asked = (window.dash_clientside.callback_context || {}).triggered_id;
      const element = document.getElementById("form-yaml");
      if (asked !== "form-copy" || !element) {
        return ""; // it is another text by now
      }
      if (navigator.clipboard && window.isSecureContext) {
        navigator.clipboard.writeText(element.textContent).then(
          () => copied("Copied."),
          () => choose(element),
        );
      } else {
        window.setTimeout(() => choose(element), 0);
      }
      return "";
    },
  });

  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    cardwatchRate: (value) =>
      typeof value === "number" ? value.toLocaleString(undefined, { maximumFractionDigits: 2 }) : "",
    cardwatchShare: (value, of) =>
      typeof value === "number" ? `${Math.round(100 * value)} % of ${of}` : "–",
  });
})();
