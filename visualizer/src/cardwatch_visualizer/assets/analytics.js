// The analytics page: its filters in the address, what is clicked as a filter, and when to ask again.
(function () {
  "use strict";

  const NAMES = ["window", "bank", "country", "category", "detector", "mode", "until"];
  const NAMED = ["bank", "country", "category", "detector"];
  const USUAL = { window: "1h" }; // where the address names none
  let count = 0;

  const dash = (window.dash_clientside = window.dash_clientside || {});
  dash.cardwatch = Object.assign(dash.cardwatch || {}, {
    analyticsFilter: function (...values) {
      const filters = {};
      NAMES.forEach((name, index) => {
        filters[name] = values[index];
      });
      window.cardwatchAddress(filters, USUAL);
      return filters;
    },
    // Held: the end stays where it was when somebody said so.
    analyticsHold: (follows, end) => (follows ? null : end ? String(end) : window.dash_clientside.no_update),
    analyticsShare: (alerts, transactions) =>
      transactions > 0 && typeof alerts === "number"
        ? ((1000 * alerts) / transactions).toLocaleString(undefined, { maximumFractionDigits: 2 })
        : "–",
    analyticsAgain: (_, until) => {
      if (until || document.hidden || !document.getElementById("analytics-page")) {
        return window.dash_clientside.no_update;
      }
      count += 1;
      return count;
    },
    analyticsChoose: (...values) => {
      const clicks = values.slice(0, NAMED.length);
      const chosen = values.slice(NAMED.length);
      const next = NAMED.map((_, index) => {
        const point = clicks[index] && clicks[index].points && clicks[index].points[0];
        if (!point || point.customdata === undefined) {
          return window.dash_clientside.no_update;
        }
        const before = chosen[index] || [];
        const name = point.customdata;
        return before.includes(name) ? before.filter((each) => each !== name) : [...before, name];
      });
      // Nothing is clicked any more, so that the same bar can be clicked again.
      return [...next, ...NAMED.map(() => null)];
    },
  });
})();
