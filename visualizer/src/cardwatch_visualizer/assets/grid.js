// Functions by which tables show values, and their keys.
(function () {
  "use strict";

  const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const dated = new Intl.DateTimeFormat(undefined, {
    day: "2-digit",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  const withYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const LABELS = { f: "fraudulent", g: "genuine", u: "unsure" };
  let count = 0;

  function whenKnown(format, value) {
    return typeof value === "number" ? format.format(new Date(value)) : "";
  }

  // Room is scarce: the year is said where it is another.
  function dateAndTime(value) {
    const isOfThisYear = new Date(value).getFullYear() === new Date().getFullYear();
    return whenKnown(isOfThisYear ? dated : withYear, value);
  }

  function onKey(params) {
    const key = params.event && params.event.key;
    const id = params.data && params.data.alert_id;
    if (!id || !key || params.event.ctrlKey || params.event.metaKey || params.event.altKey) {
      return;
    }
    if (key === "Enter") {
      window.dash_clientside.set_props("review-open", { data: id });
    } else if (LABELS[key.toLowerCase()]) {
      count += 1;
      const wish = { label: LABELS[key.toLowerCase()], id: id, n: count };
      window.dash_clientside.set_props("review-key", { data: wish });
    }
  }

  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    cardwatchTime: dateAndTime,
    cardwatchClock: (value) => whenKnown(clock, value),
    cardwatchJoined: (value) => (Array.isArray(value) ? value.join(", ") : ""),
    // As `format_risk` writes it: what is below 1 is never written as 1.
    cardwatchRisk: (value) =>
      typeof value === "number" ? (value < 1 ? Math.min(value, 0.999) : value).toFixed(3) : "",
    cardwatchKey: onKey,
  });
})();
